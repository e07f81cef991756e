import type { PartitionKey } from '../records/index.ts'
import type { SendCall } from './send-call.ts'

/** What a lane knows of the queues that stand in it, all together. */
export interface LaneSums {
  /** Records whose turn has come. */
  ready: number
  /** About what all records take. */
  bytes: number
}

/** Of a record: its call, as which of it, and its data. */
type Part = SendCall | number | Uint8Array
const PARTS = 3
const NOTHING: Part[] = []

/**
 * Records of one key, in the order of their calls: first those in an entry that is not answered, then those that wait. Side by side, so that a record
 * costs no object, and those of an entry are found in few lines of the processor's cache.
 */
export class KeyQueue {
  readonly key: PartitionKey
  /** As the records have it; null: none. */
  readonly bytes: Uint8Array | null
  /** Of `bytes`. */
  readonly hash: number
  /** Whether only one entry of a request with records of this key may be on its way. */
  readonly ordered: boolean
  /** About what those that wait take. */
  sizeBytes = 0
  /** In whose queue it stands. */
  lane: LaneSums | undefined
  /** The one behind it there. */
  next: KeyQueue | undefined
  /** In `KeyTable`. */
  nextInBucket: KeyQueue | undefined
  /** A ring of what is known of the records, `PARTS` of each. */
  #parts = NOTHING
  /** In the ring, a power of two; 0 at first. */
  #room = 0
  #head = 0
  #count = 0
  #onTheirWay = 0
  #bytesOnTheirWay = 0

  constructor(key: PartitionKey, bytes: Uint8Array | null, hash: number, ordered: boolean) {
    this.key = key
    this.bytes = bytes
    this.hash = hash
    this.ordered = ordered
  }

  get waiting(): number {
    return this.#count - this.#onTheirWay
  }

  /** Records in an entry that is not answered. */
  get onTheirWay(): number {
    return this.#onTheirWay
  }

  /** Of how many of those that wait the turn has come. */
  get ready(): number {
    return this.#readyOf(this.waiting)
  }

  /** Of the `i`-th record, those on their way first. */
  callOf(i: number): SendCall {
    return this.#parts[this.#at(i)] as SendCall
  }

  /** As which of its call the `i`-th record was sent. */
  indexOf(i: number): number {
    return this.#parts[this.#at(i) + 1] as number
  }

  /** Of the `i`-th record; empty for a tombstone. */
  dataOf(i: number): Uint8Array {
    return this.#parts[this.#at(i) + 2] as Uint8Array
  }

  /** That the caller chose for the `i`-th record. */
  partitionOf(i: number): string | undefined {
    return this.callOf(i).partitions?.[this.indexOf(i)]
  }

  /** Of the `i`-th record; null where it has none. */
  tagsOf(i: number): Uint8Array | null {
    return this.callOf(i).tags?.[this.indexOf(i)] ?? null
  }

  push(call: SendCall, index: number, data: Uint8Array, size: number): void {
    if (this.#room === 0) {
      this.#parts = [call, index, data]
      this.#room = 1
    } else {
      if (this.#count === this.#room) this.#grow()
      const at = this.#at(this.#count)
      this.#parts[at] = call
      this.#parts[at + 1] = index
      this.#parts[at + 2] = data
    }
    this.#count++
    this.#waitingChanged(1, size)
  }

  /** The first one, of `size` bytes, waits no more; none may be on its way. */
  drop(size: number): void {
    this.#forget(1)
    this.#waitingChanged(-1, -size)
  }

  /** The first of those that wait, so many with so many bytes, go into an entry. */
  send(count: number, bytes: number): void {
    this.#onTheirWay += count
    this.#bytesOnTheirWay += bytes
    this.#waitingChanged(-count, -bytes)
  }

  /** The first of those on their way are answered. */
  end(count: number): void {
    this.#forget(count)
    this.#onTheirWay -= count
    if (this.#onTheirWay === 0) this.#bytesOnTheirWay = 0
  }

  /** Those on their way wait again, before the others. */
  comeBack(): void {
    const count = this.#onTheirWay
    const bytes = this.#bytesOnTheirWay
    this.#onTheirWay = 0
    this.#bytesOnTheirWay = 0
    this.#waitingChanged(count, bytes)
  }

  /** The first of those that wait, on their own; none may be on its way. */
  split(count: number, bytes: number): KeyQueue {
    const first = new KeyQueue(this.key, this.bytes, this.hash, this.ordered)
    for (let i = 0; i < count; i++) first.push(this.callOf(i), this.indexOf(i), this.dataOf(i), 0)
    first.sizeBytes = bytes
    this.#forget(count)
    this.#waitingChanged(-count, -bytes)
    return first
  }

  #at(i: number): number {
    return ((this.#head + i) & (this.#room - 1)) * PARTS
  }

  #grow(): void {
    const grown: Part[] = []
    for (let i = 0; i < this.#count; i++) grown.push(this.callOf(i), this.indexOf(i), this.dataOf(i))
    this.#room *= 4
    while (grown.length < this.#room * PARTS) grown.push(0)
    this.#parts = grown
    this.#head = 0
  }

  /** Calls that are over, and their data, must not be held. */
  #forget(count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.#at(i)
      this.#parts[at] = 0
      this.#parts[at + 2] = 0
    }
    this.#head = (this.#head + count) & (this.#room - 1)
    this.#count -= count
  }

  #waitingChanged(count: number, bytes: number): void {
    this.sizeBytes += bytes
    const { lane } = this
    if (lane === undefined) return
    const { waiting } = this
    lane.ready += this.#readyOf(waiting) - this.#readyOf(waiting - count)
    lane.bytes += bytes
  }

  #readyOf(waiting: number): number {
    return this.ordered && waiting > 1 ? 1 : waiting
  }
}
