import type { Assignment, Driver, Lag, PartitionReader } from '../driver.ts'
import type { Checkpoint, From, Position } from '../position.ts'
import type { AnyTopic } from '../topic.ts'
import { LowWaterMark } from './low-water-mark.ts'
import { ParkedKeys } from './parked-keys.ts'
import type { WorkEntry } from './work-entry.ts'

/** What is done with fetched records: lanes for `each`, one batch after another for `batch`, a queue for `for await`. */
export interface Processor {
  /** New records of a session, in order. */
  accept(session: PartitionSession, entry: WorkEntry): void
  /**
   * Starts nothing more of the session but what closes gaps below records that were started, waits for no retry, and resolves
   * when nothing of it is in work.
   */
  drain(session: PartitionSession): Promise<void>
  /** Forgets the session; what is in work may end when it likes, nobody looks any more. */
  drop(session: PartitionSession): void
  /** Looks for attempts that take too long; called every so often with the time since some origin, milliseconds. */
  watch(now: number): void
}

/** What a session needs of its consumer. */
export interface SessionHost {
  readonly driver: Driver
  readonly group: string
  readonly processor: Processor
  readonly fetchMaxBytes: number
  /** The most bytes of state that the group's storage takes with a checkpoint. */
  maxStateBytes(): number
  /** This session's share of what may be held, now. */
  share(): { readonly bytes: number; readonly records: number }
  isPaused(topic: string, partition: string): boolean
  /** Something finished: the checkpoint may move. */
  progressed(session: PartitionSession, records: number): void
  /** Reading cannot go on. */
  failed(session: PartitionSession, error: unknown): void
}

/** One delivery epoch of one assigned partition: fetches within its share, hands over to the processor, knows how far all is done. */
export class PartitionSession {
  readonly assignment: Assignment
  readonly topic: AnyTopic
  readonly group: string
  readonly parked: ParkedKeys
  readonly comparePositions: (a: Position, b: Position) => number
  /** What was last stored for this session. */
  persisted: Checkpoint | undefined
  /** The driver was told that the partition is done for good. */
  endStored = false
  /** Finished since the last checkpoint. */
  unsaved = 0
  /** A checkpoint is on its way. */
  storing = false
  lag: Lag = {}
  private mark: LowWaterMark | undefined
  private readonly host: SessionHost
  private readonly rights = new AbortController()
  private readonly fetching = new AbortController()
  private readonly seekTo: From | undefined
  private state: 'running' | 'draining' | 'gone' = 'running'
  private readerEnded = false
  private heldBytes = 0
  private heldRecords = 0
  private wake: (() => void) | undefined
  private drained: Promise<void> | undefined
  private fetchLoop: Promise<void> = Promise.resolve()

  /** `seekTo`: start there and not at the assignment's checkpoint. */
  constructor(host: SessionHost, assignment: Assignment, topic: AnyTopic, seekTo?: From) {
    this.host = host
    this.assignment = assignment
    this.topic = topic
    this.group = host.group
    this.comparePositions = (a, b) => host.driver.comparePositions(a, b)
    this.seekTo = seekTo
    const stored = assignment.state ? [assignment.state] : assignment.inherited
    this.parked = new ParkedKeys(host.group, seekTo === undefined ? stored : [], assignment.state === null)
    if (seekTo !== undefined) this.parked.dirty = true
    else if (assignment.state) this.parked.dirty = false
    if (seekTo === undefined) {
      this.persisted = assignment.checkpoint
      this.mark = new LowWaterMark(assignment.checkpoint)
    }
  }

  /** Aborted when handlers of this session have lost their right to go on. */
  get signal(): AbortSignal {
    return this.rights.signal
  }

  get maxStateBytes(): number {
    return this.host.maxStateBytes()
  }

  get running(): boolean {
    return this.state === 'running'
  }

  get gone(): boolean {
    return this.state === 'gone'
  }

  get held(): { readonly bytes: number; readonly records: number } {
    return { bytes: this.heldBytes, records: this.heldRecords }
  }

  /** Where to resume if everything stopped now; undefined before reading began. */
  get checkpoint(): Checkpoint | undefined {
    return this.mark?.checkpoint
  }

  /** The partition ended, and all of it is done. */
  get complete(): boolean {
    return this.readerEnded && this.mark?.empty === true
  }

  start(): void {
    this.fetchLoop = this.fetch()
  }

  /** Looks again whether fetching may go on. */
  poke(): void {
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }

  finish(entry: WorkEntry, index: number): void {
    if (this.state === 'gone') return
    entry.finish(index)
    if (entry.complete) this.completed(entry)
    this.host.progressed(this, 1)
  }

  /** Records up to `end - 1` of the entry, where those before were finished one way or another. */
  finishTo(entry: WorkEntry, end: number): void {
    if (this.state === 'gone') return
    const records = end - entry.prefix
    entry.finishThrough(end)
    if (entry.complete) this.completed(entry)
    this.host.progressed(this, records)
  }

  /** All up to record `end - 1` of the entry, and everything before the entry. */
  finishThrough(entry: WorkEntry, end: number): void {
    if (this.state === 'gone') return
    const entries = this.mark?.finishThrough(entry, end) ?? []
    for (const each of entries) this.released(each)
    this.host.progressed(this, end)
  }

  /** Fetches no more and finishes what it must; when `deadlineMs` is over handlers are aborted. */
  drain(deadlineMs: number): Promise<void> {
    this.drained ??= this.finishStarted(deadlineMs)
    return this.drained
  }

  /** The session is over: nothing of it counts any more. */
  async end(reason: unknown): Promise<void> {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.fetching.abort()
    this.poke()
    this.rights.abort(reason)
    this.host.processor.drop(this)
    await this.fetchLoop
  }

  private async finishStarted(deadlineMs: number): Promise<void> {
    if (this.state !== 'running') return
    this.state = 'draining'
    this.fetching.abort()
    this.poke()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs)
    })
    await Promise.race([this.host.processor.drain(this), late])
    clearTimeout(timer)
  }

  private async fetch(): Promise<void> {
    const { topic, partition, checkpoint } = this.assignment
    let reader: PartitionReader | undefined
    try {
      const start = this.seekTo === undefined ? { checkpoint } : { from: this.seekTo }
      reader = await this.host.driver.openReader({ topic, partition, start })
      if (this.mark === undefined) {
        this.mark = new LowWaterMark(reader.checkpoint)
        this.host.progressed(this, 0)
      }
      while (await this.room()) {
        const share = this.host.share()
        const maxBytes = Math.max(1, Math.min(this.host.fetchMaxBytes, share.bytes - this.heldBytes))
        const batch = await reader.next({ maxBytes, signal: this.fetching.signal })
        if (this.state !== 'running') return
        if (batch === null) {
          this.readerEnded = true
          this.host.progressed(this, 0)
          return
        }
        this.lag = batch.lag
        const entry = this.mark.add(batch)
        if (batch.count === 0) {
          this.host.progressed(this, 0)
          continue
        }
        this.heldBytes += batch.sizeBytes
        this.heldRecords += batch.count
        this.host.processor.accept(this, entry)
      }
    } catch (error) {
      if (this.state === 'running') this.host.failed(this, error)
    } finally {
      await reader?.close().catch(() => {})
    }
  }

  /** Resolves true when more may be fetched, false when no more is wanted. What is empty-handed may always fetch. */
  private async room(): Promise<boolean> {
    const { topic, partition } = this.assignment
    while (this.state === 'running') {
      const share = this.host.share()
      const full =
        this.heldRecords > 0 && (this.heldBytes >= share.bytes || this.heldRecords >= share.records)
      if (!full && !this.host.isPaused(topic, partition)) return true
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    return false
  }

  private completed(entry: WorkEntry): void {
    this.mark?.advance()
    this.released(entry)
  }

  /** The entry's memory no longer counts: all of it is done, or the loop that pulls went past it. */
  released(entry: WorkEntry): void {
    if (entry.released) return
    entry.released = true
    this.heldBytes -= entry.batch.sizeBytes
    this.heldRecords -= entry.batch.count
    this.poke()
  }
}
