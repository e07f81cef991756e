import type { Item } from './item.ts'

/**
 * Lets one record of a key go at a time, the others behind it in the order of the calls: whatever becomes of a request, and
 * whatever shard the key belongs to by then, nothing overtakes.
 */
export class KeyOrder {
  /** By partition key: the last that was admitted, and so the one that the next waits for. */
  readonly #last = new Map<string, Item>()

  /** False where the item waits for an earlier one: it comes with that one's `done`. */
  admit(item: Item): boolean {
    if (!item.ordered) return true
    const { partitionKey } = item.wire
    const before = this.#last.get(partitionKey)
    this.#last.set(partitionKey, item)
    if (before === undefined) return true
    before.next = item
    return false
  }

  /** The item is written or given up: the one that may go now. */
  done(item: Item): Item | undefined {
    const { next } = item
    item.next = undefined
    if (next !== undefined) return next
    const { partitionKey } = item.wire
    // Of several in one aggregate only the last is.
    if (item.ordered && this.#last.get(partitionKey) === item) this.#last.delete(partitionKey)
    return undefined
  }
}
