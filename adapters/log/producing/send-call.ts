import {
  type Acknowledgement,
  type EncodedRecord,
  PartialFailureError,
  type RecordOutcome,
  StreamError,
} from '../../../src/driver.ts'

/** The records of a call that went to one partition in one batch. */
interface Part {
  readonly partition: string
  /** Where the first of them stands in the batch, counted in records. */
  readonly rank: number
  count: number
  /** Of the batch; -1 until it is known. */
  baseOffset: number
  error: StreamError | undefined
}

/**
 * One call of `send`, and its acknowledgement: where its records stand is worked out from a few numbers a partition
 * when it is asked for.
 */
export class SendCall implements Acknowledgement {
  readonly topic: string
  readonly records: readonly EncodedRecord[]
  /** Which of the parts each record is in. */
  readonly partOf: Int32Array
  readonly parts: Part[] = []
  /** Whether the sizes of its records were looked at. */
  checked = false
  #left: number
  #failed = false
  #resolve: (() => void) | undefined
  #reject: ((error: StreamError) => void) | undefined
  #error: StreamError | undefined
  #ranks: Int32Array | undefined

  constructor(topic: string, records: readonly EncodedRecord[]) {
    this.topic = topic
    this.records = records
    this.#left = records.length
    this.partOf = new Int32Array(records.length)
  }

  get count(): number {
    return this.records.length
  }

  partition(i: number): string {
    return this.#part(i).partition
  }

  position(i: number): string {
    const { baseOffset, rank } = this.#part(i)
    this.#ranks ??= this.#rank()
    return String(baseOffset + rank + this.#ranks[i]!)
  }

  /** Resolves with the acknowledgement once every record is settled. To be called once. */
  result(): Promise<Acknowledgement> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#left === 0) return Promise.resolve(this)
    return new Promise((resolve, reject) => {
      this.#resolve = () => resolve(this)
      this.#reject = reject
    })
  }

  /** A part for the records that go to `partition` in one batch; `rank` records of other calls stand before them. */
  addPart(partition: string, rank: number): number {
    this.parts.push({ partition, rank, count: 0, baseOffset: -1, error: undefined })
    return this.parts.length - 1
  }

  /** The part is in the log. */
  settle(part: number, baseOffset: number): void {
    const settled = this.parts[part]!
    settled.baseOffset = baseOffset
    this.#done(settled.count)
  }

  /** The part is not, or may not be, in the log. */
  fail(part: number, error: StreamError): void {
    const failed = this.parts[part]!
    failed.error = error
    this.#failed = true
    this.#done(failed.count)
  }

  /** Nothing of it was sent. */
  reject(error: StreamError): void {
    this.#error = error
    this.#reject?.(error)
  }

  #done(count: number): void {
    this.#left -= count
    if (this.#left > 0) return
    if (!this.#failed) return this.#resolve?.()
    const used = new Set(this.partOf)
    const parts = this.parts.filter((_, i) => used.has(i))
    const error = parts.find((part) => part.error !== undefined)?.error as StreamError
    // All for one reason: then that is the error.
    if (parts.every((part) => part.error?.code === error.code)) return this.reject(error)
    const failed = parts.reduce((sum, part) => (part.error === undefined ? sum : sum + part.count), 0)
    this.reject(
      new PartialFailureError(
        `${failed} of ${this.count} records for '${this.topic}' were not written (${error.message}): ` +
          'see outcomes for which, and send those again',
        Array.from({ length: this.count }, (_, i): RecordOutcome => {
          const { error } = this.#part(i)
          return error === undefined
            ? { partition: this.partition(i), position: this.position(i) }
            : { error }
        }),
        { topic: this.topic, cause: error, retryable: error.retryable },
      ),
    )
  }

  #part(i: number): Part {
    const part = this.parts[this.partOf[i] ?? -1]
    if (part !== undefined) return part
    throw new StreamError('INVALID_ARGUMENT', `no record ${i} in a call of ${this.count}: count from 0`)
  }

  /** Of each record within its part: they stand there in the order of the call. */
  #rank(): Int32Array {
    const next = new Int32Array(this.parts.length)
    return this.partOf.map((part) => next[part]!++)
  }
}
