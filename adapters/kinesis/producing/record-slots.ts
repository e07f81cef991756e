import type { SendCall } from './send-call.ts'

/** No slot. */
export const NONE = -1
const FIRST_SLOTS = 1_024

/**
 * Records between their call and their answer, by number, so that none costs an object. A number is used again once it was given back. Each is in one
 * list at most, by `next`: of those that wait for their key, or of those in one entry of a request. `Queue`: what holds those of a key.
 */
export class RecordSlots<Queue> {
  readonly calls: (SendCall | undefined)[] = []
  readonly queues: (Queue | undefined)[] = []
  /** As which of its call. */
  indexes = new Int32Array(FIRST_SLOTS)
  nexts = new Int32Array(FIRST_SLOTS)
  /** About what it takes of a request. */
  sizes = new Int32Array(FIRST_SLOTS)
  #free = NONE
  #used = 0

  take(call: SendCall, index: number, queue: Queue, size: number): number {
    let slot = this.#free
    if (slot === NONE) {
      slot = this.#used++
      if (slot === this.nexts.length) this.#grow()
    } else this.#free = this.nexts[slot]!
    this.calls[slot] = call
    this.queues[slot] = queue
    this.indexes[slot] = index
    this.nexts[slot] = NONE
    this.sizes[slot] = size
    return slot
  }

  giveBack(slot: number): void {
    this.calls[slot] = undefined
    this.queues[slot] = undefined
    this.nexts[slot] = this.#free
    this.#free = slot
  }

  #grow(): void {
    this.indexes = twice(this.indexes)
    this.nexts = twice(this.nexts)
    this.sizes = twice(this.sizes)
  }
}

function twice(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(numbers.length * 2)
  grown.set(numbers)
  return grown
}
