import {
  type Acknowledgement,
  type EncodedRecord,
  PartialFailureError,
  type RecordOutcome,
  type SendOptions,
  StreamError,
} from '../../../src/driver.ts'

/** The records of a call that go to one partition in one batch. */
interface Part {
  readonly partition: number
  count: number
  /** Of the part's first record; -1 until it is known, or where the broker has forgotten it. */
  offset: number
  isWritten: boolean
  error: StreamError | undefined
}

/**
 * One call of `send`, and its acknowledgement: where its records stand is worked out from a few numbers a part when it is
 * asked for.
 */
export class SendCall implements Acknowledgement {
  readonly topic: string
  readonly records: readonly EncodedRecord[]
  /** `performance.now()` */
  readonly begun = performance.now()
  /** Which of the parts each record is in. */
  readonly partOf: Int32Array
  readonly parts: Part[] = []
  readonly #watchers: (() => void)[] = []
  readonly #onSettled: (call: SendCall) => void
  readonly #onWritten: SendOptions['onWritten']
  #left: number
  #settled = false
  #failed = false
  #ranks: Int32Array | undefined
  readonly result: Promise<Acknowledgement>
  readonly #resolve: (acknowledgement: Acknowledgement) => void
  readonly #reject: (error: StreamError) => void

  constructor(
    topic: string,
    records: readonly EncodedRecord[],
    onSettled: (call: SendCall) => void,
    onWritten?: SendOptions['onWritten'],
  ) {
    this.topic = topic
    this.records = records
    this.#left = records.length
    this.partOf = new Int32Array(records.length)
    this.#onSettled = onSettled
    this.#onWritten = onWritten
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement>()
    this.result = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  get count(): number {
    return this.records.length
  }

  partition(i: number): string {
    return String(this.#part(i).partition)
  }

  /** '-1' where the record is in the log, but the broker has forgotten where: it took a batch that came again for a duplicate. */
  position(i: number): string {
    const { offset } = this.#part(i)
    if (offset < 0) return String(offset)
    this.#ranks ??= this.#rank()
    return String(offset + this.#ranks[i]!)
  }

  /** A part for records that go to `partition` in one batch. */
  addPart(partition: number): number {
    this.parts.push({ partition, count: 0, offset: -1, isWritten: false, error: undefined })
    return this.parts.length - 1
  }

  /** The part is in the log, its first record at `offset`. */
  settle(part: number, offset: number): void {
    const settled = this.parts[part]!
    settled.offset = offset
    settled.isWritten = true
    this.#done(settled.count)
  }

  /** The part is not, or may not be, in the log. */
  fail(part: number, error: StreamError): void {
    const failed = this.parts[part]!
    failed.error = error
    this.#failed = true
    this.#done(failed.count)
  }

  /** There was nothing to send. */
  settleEmpty(): void {
    this.#done(0)
  }

  /** Nothing of it was sent. */
  reject(error: StreamError): void {
    if (this.#settled) return
    this.#end()
    this.#reject(error)
  }

  /** Whether the caller wants to know what is written while the rest waits. */
  get isWatched(): boolean {
    return this.#onWritten !== undefined && !this.#settled
  }

  tellWritten(): void {
    if (this.isWatched) this.#onWritten!(this, this.#isWritten)
  }

  /** Calls `watcher` when the call has settled. */
  whenSettled(watcher: () => void): void {
    if (this.#settled) watcher()
    else this.#watchers.push(watcher)
  }

  readonly #isWritten = (i: number): boolean => this.#part(i).isWritten

  #done(count: number): void {
    this.#left -= count
    if (this.#left > 0 || this.#settled) return
    this.#end()
    if (this.#failed) this.#reject(this.#failure())
    else this.#resolve(this)
  }

  #end(): void {
    this.#settled = true
    this.#onSettled(this)
    for (const watcher of this.#watchers) watcher()
  }

  #failure(): StreamError {
    const failed = this.parts.filter(({ error }) => error !== undefined)
    const error = failed[0]!.error!
    // All for one reason: then that is the error.
    if (this.parts.every((part) => part.count === 0 || part.error?.code === error.code)) return error
    const count = failed.reduce((sum, part) => sum + part.count, 0)
    return new PartialFailureError(
      `${count} of ${this.count} records for '${this.topic}' were not written (${error.message}): ` +
        'see outcomes for which, and send those again',
      Array.from({ length: this.count }, (_, i): RecordOutcome => {
        const { error } = this.#part(i)
        return error === undefined ? { partition: this.partition(i), position: this.position(i) } : { error }
      }),
      { topic: this.topic, cause: error, retryable: error.retryable },
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
