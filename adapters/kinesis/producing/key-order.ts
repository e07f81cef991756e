import type { Item } from './item.ts'

/**
 * Lets one record of a key go at a time, the others behind it in the order of the calls: whatever becomes of a request, and
 * whatever shard the key belongs to by then, nothing overtakes. Keys whose hashes are equal wait for each other too, needlessly.
 */
export class KeyOrder {
  /** By turn: the last that was admitted, and so the one that the next waits for. */
  readonly #last = new Map<number, Item>()

  /** False where the item waits for an earlier one: it comes with that one's `done`. */
  admit(item: Item): boolean {
    const { turn } = item
    if (turn < 0) return true
    const before = this.#last.get(turn)
    this.#last.set(turn, item)
    if (before === undefined) return true
    before.next = item
    return false
  }

  /** The item is written or given up: the one that may go now. */
  done(item: Item): Item | undefined {
    const { next } = item
    item.next = undefined
    if (next !== undefined) return next
    const { turn } = item
    // Of several in one aggregate only the last is.
    if (turn >= 0 && this.#last.get(turn) === item) this.#last.delete(turn)
    return undefined
  }
}
