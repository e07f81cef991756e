import {
  type Acknowledgement,
  type EncodedRecord,
  PartialFailureError,
  type RecordOutcome,
  StreamError,
} from '../../../src/driver.ts'
import { formatPosition } from '../positions.ts'

/** Of a tombstone. */
export const NO_DATA = new Uint8Array(0)

/** Where an entry of PutRecords was written, in the SDK's words. */
export interface Landing {
  readonly ShardId: string
  readonly SequenceNumber: string
}

/** One call of `send`, and its acknowledgement: a few arrays, from which an answer is made when it is asked for. */
export class SendCall implements Acknowledgement {
  readonly topic: string
  readonly count: number
  /** `performance.now()` */
  readonly begun = performance.now()
  readonly result: Promise<Acknowledgement>
  readonly #resolve: (acknowledgement: Acknowledgement) => void
  readonly #reject: (error: StreamError) => void
  readonly #watchers: (() => void)[] = []
  readonly #landings: Landing[]
  #records: readonly EncodedRecord[]
  /** Places inside of aggregates; undefined as long as all are 0. */
  #subs: Uint32Array | undefined
  #tags: (Uint8Array | null)[] | undefined
  #partitions: (string | undefined)[] | undefined
  #errors: (StreamError | undefined)[] | undefined
  #left: number
  #settled = false

  constructor(topic: string, records: readonly EncodedRecord[]) {
    this.topic = topic
    this.count = records.length
    this.#records = records
    this.#left = records.length
    this.#landings = new Array<Landing>(records.length)
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement>()
    this.result = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** None any more once they are admitted: what they hold is known elsewhere, and they need not outlive that. */
  get records(): readonly EncodedRecord[] {
    return this.#records
  }

  admitted(): void {
    this.#records = []
  }

  /** Of each record, once they are made; undefined as long as none has any. */
  get tags(): readonly (Uint8Array | null)[] | undefined {
    return this.#tags
  }

  setTags(i: number, tags: Uint8Array): void {
    this.#tags ??= new Array<null>(this.count).fill(null)
    this.#tags[i] = tags
  }

  /** That their caller chose for each record, once they are admitted; undefined where none was chosen for any. */
  get partitions(): readonly (string | undefined)[] | undefined {
    return this.#partitions
  }

  setPartition(i: number, partition: string): void {
    this.#partitions ??= new Array<undefined>(this.count).fill(undefined)
    this.#partitions[i] = partition
  }

  /** Nobody waits for its records any more: those that are not on their way need not be sent. */
  get settled(): boolean {
    return this.#settled
  }

  partition(i: number): string {
    this.#check(i)
    return this.#landings[i]!.ShardId
  }

  position(i: number): string {
    this.#check(i)
    return formatPosition(this.#landings[i]!.SequenceNumber, this.#subs?.[i] ?? 0)
  }

  /** Record `i` is in the stream, at place `sub` of what landed there. */
  settle(i: number, landing: Landing, sub: number): void {
    if (this.#settled) return
    this.#landings[i] = landing
    if (sub !== 0) {
      this.#subs ??= new Uint32Array(this.count)
      this.#subs[i] = sub
    }
    if (--this.#left === 0) this.#end()
  }

  /** Record `i` is not, or may not be, in the stream. */
  fail(i: number, error: StreamError): void {
    if (this.#settled) return
    this.#errors ??= new Array<undefined>(this.count)
    this.#errors[i] = error
    if (--this.#left === 0) this.#end()
  }

  /** All that has not been settled fails. */
  giveUp(error: StreamError): void {
    if (this.#settled) return
    for (let i = 0; i < this.count; i++) {
      if (this.#landings[i] === undefined && this.#errors?.[i] === undefined) this.fail(i, error)
    }
    if (this.count === 0) this.#end()
  }

  /** There was nothing to send. */
  settleEmpty(): void {
    this.#end()
  }

  whenSettled(watcher: () => void): void {
    if (this.#settled) watcher()
    else this.#watchers.push(watcher)
  }

  #end(): void {
    this.#settled = true
    if (this.#errors === undefined) this.#resolve(this)
    else this.#reject(this.#failure(this.#errors))
    for (const watcher of this.#watchers) watcher()
  }

  #failure(errors: readonly (StreamError | undefined)[]): StreamError {
    const failed = errors.filter((error) => error !== undefined)
    const error = failed[0]!
    // All for one reason: then that is the error.
    if (failed.length === this.count && failed.every(({ code }) => code === error.code)) return error
    return new PartialFailureError(
      `${failed.length} of ${this.count} records for '${this.topic}' were not written (${error.message}): ` +
        'see outcomes for which, and send those again',
      Array.from({ length: this.count }, (_, i): RecordOutcome => {
        const error = errors[i]
        return error === undefined ? { partition: this.partition(i), position: this.position(i) } : { error }
      }),
      { topic: this.topic, cause: error, retryable: error.retryable },
    )
  }

  #check(i: number): void {
    if (this.#landings[i] !== undefined) return
    throw new StreamError('INVALID_ARGUMENT', `no record ${i} in a call of ${this.count}: count from 0`)
  }
}
