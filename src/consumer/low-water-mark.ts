import { Deque } from '../deque.ts'
import type { FetchedBatch } from '../driver.ts'
import type { Checkpoint } from '../position.ts'
import { WorkEntry } from './work-entry.ts'

/** How far a partition is done without a gap: the only thing that may be checkpointed. */
export class LowWaterMark {
  private readonly entries = new Deque<WorkEntry>()
  private behind: Checkpoint
  private fetched = 0

  constructor(start: Checkpoint) {
    this.behind = start
  }

  /** Takes what was fetched next. An empty batch moves the mark as soon as all before it is done. */
  add(batch: FetchedBatch): WorkEntry {
    const entry = new WorkEntry(batch, this.fetched)
    this.fetched += batch.count
    this.entries.push(entry)
    this.advance()
    return entry
  }

  /** To be called when an entry became complete. */
  advance(): void {
    for (let first = this.entries.peek(); first?.complete; first = this.entries.peek()) {
      this.behind = first.batch.end
      this.entries.shift()
    }
  }

  /** Marks all up to record `end - 1` of the entry, and every entry before it. Gives the entries that became complete. */
  finishThrough(entry: WorkEntry, end: number): WorkEntry[] {
    const completed: WorkEntry[] = []
    const finish = (each: WorkEntry, to: number): void => {
      if (each.complete) return
      each.finishThrough(to)
      if (each.complete) completed.push(each)
    }
    for (const each of this.entries.values()) {
      if (each === entry) break
      finish(each, each.batch.count)
    }
    finish(entry, end)
    this.advance()
    return completed
  }

  /** Where to resume if everything stopped now. */
  get checkpoint(): Checkpoint {
    const first = this.entries.peek()
    if (first === undefined || first.prefix === 0) return this.behind
    return first.batch.checkpointAfter(first.prefix - 1)
  }

  /** Nothing fetched is unfinished. */
  get empty(): boolean {
    return this.entries.length === 0
  }
}
