import type { KeyQueue } from './key-queue.ts'

const FIRST_BUCKETS = 256

/** The queues of all keys of which a record waits or is on its way, found by the bytes of the key. */
export class KeyTable {
  #buckets = new Array<KeyQueue | undefined>(FIRST_BUCKETS).fill(undefined)
  #count = 0

  find(bytes: Uint8Array, hash: number): KeyQueue | undefined {
    let queue = this.#buckets[hash & (this.#buckets.length - 1)]
    while (queue !== undefined && !(queue.hash === hash && isSame(queue.bytes!, bytes))) {
      queue = queue.nextInBucket
    }
    return queue
  }

  add(queue: KeyQueue): void {
    if (this.#count === this.#buckets.length) this.#grow()
    this.#count++
    this.#put(queue)
  }

  /** Does nothing where it is not there. */
  delete(queue: KeyQueue): void {
    const at = queue.hash & (this.#buckets.length - 1)
    let before: KeyQueue | undefined
    let each = this.#buckets[at]
    while (each !== undefined && each !== queue) {
      before = each
      each = each.nextInBucket
    }
    if (each === undefined) return
    if (before === undefined) this.#buckets[at] = queue.nextInBucket
    else before.nextInBucket = queue.nextInBucket
    queue.nextInBucket = undefined
    this.#count--
  }

  #put(queue: KeyQueue): void {
    const at = queue.hash & (this.#buckets.length - 1)
    queue.nextInBucket = this.#buckets[at]
    this.#buckets[at] = queue
  }

  #grow(): void {
    const before = this.#buckets
    this.#buckets = new Array<KeyQueue | undefined>(before.length * 4).fill(undefined)
    for (let first of before) {
      while (first !== undefined) {
        const next = first.nextInBucket
        this.#put(first)
        first = next
      }
    }
  }
}

// For keys, which are short: a call out of JavaScript takes longer.
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a
  if (length !== b.length) return false
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}
