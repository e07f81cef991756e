import type { PartitionKey } from '../records/index.ts'
import { NONE, type RecordSlots } from './record-slots.ts'

/** What a lane knows of the queues that stand in it, all together. */
export interface LaneSums {
  /** Records whose turn has come. */
  ready: number
  /** About what all records take. */
  bytes: number
}

type Slots = RecordSlots<KeyQueue>

/** Records of one key that wait, by their slots, in the order of their calls. */
export class KeyQueue {
  readonly key: PartitionKey
  /** As the records have it; null: none. */
  readonly bytes: Uint8Array | null
  /** Of `bytes`. */
  readonly hash: number
  /** Whether only one entry of a request with records of this key may be on its way. */
  readonly ordered: boolean
  first = NONE
  /** About what they take. */
  sizeBytes = 0
  /** Records in entries that are not answered. */
  onTheirWay = 0
  /** In whose queue it stands. */
  lane: LaneSums | undefined
  /** The one behind it there. */
  next: KeyQueue | undefined
  /** In `KeyTable`. */
  nextInBucket: KeyQueue | undefined
  #last = NONE
  #count = 0

  constructor(key: PartitionKey, bytes: Uint8Array | null, hash: number, ordered: boolean) {
    this.key = key
    this.bytes = bytes
    this.hash = hash
    this.ordered = ordered
  }

  get count(): number {
    return this.#count
  }

  /** Of how many of them the turn has come. */
  get ready(): number {
    return this.ordered && this.#count > 1 ? 1 : this.#count
  }

  push(slots: Slots, slot: number): void {
    if (this.first === NONE) this.first = slot
    else slots.nexts[this.#last] = slot
    this.#last = slot
    this.#changed(1, slots.sizes[slot]!)
  }

  pushFront(slots: Slots, slot: number): void {
    slots.nexts[slot] = this.first
    if (this.first === NONE) this.#last = slot
    this.first = slot
    this.#changed(1, slots.sizes[slot]!)
  }

  shift(slots: Slots): number {
    const slot = this.first
    this.first = slots.nexts[slot]!
    slots.nexts[slot] = NONE
    this.#changed(-1, -slots.sizes[slot]!)
    return slot
  }

  #changed(count: number, bytes: number): void {
    const { lane } = this
    if (lane === undefined) {
      this.#count += count
      this.sizeBytes += bytes
      return
    }
    lane.ready -= this.ready
    this.#count += count
    this.sizeBytes += bytes
    lane.ready += this.ready
    lane.bytes += bytes
  }
}
