/** A queue on a ring: `push` and `shift` in constant time, without an allocation once it has grown. */
export class Deque<T> {
  private ring: (T | undefined)[] = new Array(16)
  private head = 0
  private size = 0

  get length(): number {
    return this.size
  }

  push(item: T): void {
    if (this.size === this.ring.length) this.grow()
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = item
    this.size++
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.ring[this.head]
    this.ring[this.head] = undefined
    this.head = (this.head + 1) & (this.ring.length - 1)
    this.size--
    return item
  }

  peek(): T | undefined {
    return this.ring[this.head]
  }

  /** What is in it, in order; not to be changed meanwhile. */
  *values(): IterableIterator<T> {
    for (let i = 0; i < this.size; i++) yield this.ring[(this.head + i) & (this.ring.length - 1)] as T
  }

  /** Removes all and gives them, in order. */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  private grow(): void {
    const bigger = new Array<T | undefined>(this.ring.length * 2)
    for (let i = 0; i < this.size; i++) bigger[i] = this.ring[(this.head + i) & (this.ring.length - 1)]
    this.ring = bigger
    this.head = 0
  }
}
