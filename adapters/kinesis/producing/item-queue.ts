import type { Item } from './item.ts'

/** Items in order; those that come back go in front. */
export class ItemQueue {
  #items: (Item | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** In front of all, in the order given. */
  putBack(items: readonly Item[]): void {
    if (items.length <= this.#head) {
      this.#head -= items.length
      for (let i = 0; i < items.length; i++) this.#items[this.#head + i] = items[i]
      return
    }
    this.#items = [...items, ...this.#items.slice(this.#head)]
    this.#head = 0
  }

  first(): Item | undefined {
    return this.#items[this.#head]
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head > 4_096 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  takeAll(): Item[] {
    const items = this.#items.slice(this.#head) as Item[]
    this.#items.length = 0
    this.#head = 0
    return items
  }
}
