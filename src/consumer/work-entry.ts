import type { FetchedBatch } from '../driver.ts'
import type { LazyRecord } from '../lazy-record.ts'

/** A fetched batch in work: which of its records are done. */
export class WorkEntry {
  readonly batch: FetchedBatch
  /** The place of its first record among all that this session fetched. */
  readonly base: number
  /** Records made beforehand, where a schema has to look at all of them. */
  records: readonly LazyRecord[] | undefined
  /** Records `0 … prefix - 1` are done. */
  prefix = 0
  /** Its memory no longer counts as held. */
  released = false
  private remaining: number
  private done: Uint8Array | undefined

  constructor(batch: FetchedBatch, base: number) {
    this.batch = batch
    this.base = base
    this.remaining = batch.count
  }

  get complete(): boolean {
    return this.remaining === 0
  }

  /** Marks one record; twice is once. */
  finish(index: number): void {
    if (this.done === undefined) {
      if (index < this.prefix) return
      if (index === this.prefix) {
        this.prefix++
        this.remaining--
        return
      }
      this.done = new Uint8Array(this.batch.count)
      this.done.fill(1, 0, this.prefix)
    }
    if (this.done[index] === 1) return
    this.done[index] = 1
    this.remaining--
    while (this.done[this.prefix] === 1) this.prefix++
  }

  /** Marks records `0 … end - 1`. */
  finishThrough(end: number): void {
    if (this.done === undefined) {
      if (end <= this.prefix) return
      this.remaining -= end - this.prefix
      this.prefix = end
      return
    }
    for (let i = this.prefix; i < end; i++) this.finish(i)
  }
}
