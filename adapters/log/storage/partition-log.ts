import type { StreamError } from '../../../src/driver.ts'
import { collectAborted } from './collect-aborted.ts'
import { type CompactionReport, compactLog } from './compaction.ts'
import { LogErrors } from './log-errors.ts'
import { LogReader } from './log-reader.ts'
import { type PartitionLogOptions, partitionLogSettings } from './log-settings.ts'
import { type AppendResult, LogWriter } from './log-writer.ts'
import { type OpenedLog, openLog, type Recovered } from './open-log.ts'
import { countExpired } from './retention.ts'
import type { SegmentList } from './segment-list.ts'
import type { SegmentStore } from './store.ts'
import { findTimestamp } from './timestamp-search.ts'
import type { AbortedEntry } from './transaction-index.ts'

export type { CompactionReport } from './compaction.ts'
export type { PartitionLogOptions } from './log-settings.ts'
export type { AppendResult } from './log-writer.ts'
export type { Recovered } from './open-log.ts'
export type { FsyncMode } from './syncer.ts'
export type { AbortedEntry } from './transaction-index.ts'

/**
 * The log of one topic-partition: segments of Kafka's record batches in a store. Appends are synchronous and ordered by
 * call; readers see them at once. Reads run beside appends, retention and compaction. One process opens a folder at a
 * time, which the caller sees to. Everything throws or rejects with `StreamError`; CLOSED after `close`.
 */
export class PartitionLog {
  /** Called after every append that wrote something; must not throw. */
  onAppend: (() => void) | undefined
  /** What recovery cut off when the log was opened after a crash. */
  readonly recovered: Recovered | undefined
  readonly #store: SegmentStore
  readonly #errors: LogErrors
  readonly #segments: SegmentList
  readonly #writer: LogWriter
  readonly #reader: LogReader
  #startOffset: number
  /** Sealing, retention and compaction, one after another. */
  #background: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  /**
   * Opens the log in `store`, or begins one in an empty store. `name` is `<topic>-<partition>`, for errors. INVALID_ARGUMENT
   * where the store holds something else or lacks segments, UNAVAILABLE or PERMISSION_DENIED where it cannot be used.
   */
  static async open(store: SegmentStore, name: string, options: PartitionLogOptions): Promise<PartitionLog> {
    const errors = new LogErrors(name, store.location)
    const settings = partitionLogSettings(options, { logger: options.logger }, errors)
    const { indexIntervalBytes, logger, now } = settings
    try {
      const opened = await openLog(store, errors, { indexIntervalBytes, logger, nowMs: now() })
      return new PartitionLog(store, errors, opened, options)
    } catch (error) {
      throw errors.system(error, 'open the log')
    }
  }

  private constructor(
    store: SegmentStore,
    errors: LogErrors,
    opened: OpenedLog,
    options: PartitionLogOptions,
  ) {
    const settings = partitionLogSettings(options, { logger: options.logger }, errors)
    this.#store = store
    this.#errors = errors
    this.recovered = opened.recovered
    this.#segments = opened.segments
    this.#reader = new LogReader(opened.segments, errors)
    this.#writer = new LogWriter(store, errors, settings, opened, () => this.#sealLater())
    this.#startOffset = Math.max(opened.segments.first.baseOffset, opened.checkpoint.startOffset)
  }

  /** The first offset that can be read. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#writer.endOffset
  }

  /** All before it is decided: the first offset of the oldest open transaction, or the end. */
  get lastStableOffset(): number {
    const open = this.#writer.producers.firstOpenOffset
    return open < 0 ? this.endOffset : Math.max(open, this.#startOffset)
  }

  /** Bytes of the log files. */
  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }

  /** The share of the sealed bytes that compaction has not been over, 0 to 1. */
  get dirtyRatio(): number {
    const { cleanedOffset } = this.#writer.checkpoint.current
    let sealed = 0
    let dirty = 0
    for (const { sizeBytes, nextOffset } of this.#segments.sealed) {
      sealed += sizeBytes
      if (nextOffset > cleanedOffset) dirty += sizeBytes
    }
    return sealed === 0 ? 0 : dirty / sealed
  }

  /**
   * Writes one encoded batch: data, or the control batch that ends a transaction (`encodeControlBatch`). The base offset is
   * stamped into `batch`, which is not kept. Its CRC is not checked: who takes bytes from outside verifies them.
   * When it throws, nothing was written and the same batch may be appended again. INVALID_ARGUMENT for what is no batch or
   * out of the producer's sequence, FENCED for an older epoch, UNAVAILABLE where the disk is full or fails.
   */
  append(batch: Buffer): AppendResult {
    this.#checkOpen()
    const result = this.#writer.append(batch)
    if (!result.duplicate) this.onAppend?.()
    return result
  }

  /**
   * Resolves when all that was appended before the call is as durable as `fsync` says; undefined: it is already, which is
   * always so unless `fsync` is 'batch'. UNAVAILABLE where the disk failed; the log then has to be opened anew.
   */
  durable(): Promise<void> | undefined {
    return this.#writer.syncer.durable()
  }

  /**
   * Whole batches from the one that holds `offset`, or the first after it, up to `maxBytes` but at least one, and none with
   * an offset at or above `limitOffset` (default: the end). Empty at the end or the limit. CRCs were checked. The buffer is
   * fresh and never reused. POSITION_EXPIRED below `startOffset`, INVALID_ARGUMENT beyond the end, INTERNAL where the
   * batch is damaged, naming where to resume.
   */
  async read(offset: number, maxBytes: number, limitOffset = this.endOffset): Promise<Buffer> {
    this.#checkOpen()
    if (offset < this.#startOffset) throw this.#expired(offset)
    if (!(offset <= this.endOffset)) {
      throw this.#errors.of(
        'INVALID_ARGUMENT',
        `offset ${offset} is beyond the end of the log, ${this.endOffset}: read from there at most`,
      )
    }
    const limit = Math.min(limitOffset, this.endOffset)
    if (offset >= limit) return EMPTY
    const batches = await this.#reader.read(offset, maxBytes, limit)
    // Deleted while it was looked for: what was found may begin later.
    if (offset < this.#startOffset) throw this.#expired(offset)
    return batches
  }

  /** Aborted transactions that have records in `[fromOffset, toOffset)`, by their first offset; what a committed read hides. */
  abortedTransactions(fromOffset: number, toOffset: number): readonly AbortedEntry[] {
    return collectAborted(this.#segments, fromOffset, toOffset)
  }

  /** The offset of the first record that is not older than `ms`; the end where there is none. */
  async offsetForTimestamp(ms: number): Promise<number> {
    this.#checkOpen()
    const end = this.endOffset
    return (await findTimestamp(this.#segments, ms, this.#startOffset, this.#errors)) ?? end
  }

  /**
   * Deletes segments that `retentionMs` and `retentionBytes` no longer keep; resolves with their number. The active
   * segment is sealed first where all of it is too old.
   */
  applyRetention(): Promise<number> {
    return this.#exclusive('delete segments', async () => {
      this.#writer.producers.expire(this.#writer.settings.now())
      const count = await countExpired(this.#segments, this.#writer.settings)
      if (count === this.#segments.all.length) this.#writer.roll()
      await this.#deleteFirst(count)
      return count
    })
  }

  /** Makes all before `offset` unreadable, durably, and deletes the segments that hold nothing else. INVALID_ARGUMENT beyond the end. */
  deleteBefore(offset: number): Promise<void> {
    return this.#exclusive('delete records', async () => {
      if (!(offset <= this.endOffset)) {
        throw this.#errors.of(
          'INVALID_ARGUMENT',
          `cannot delete up to offset ${offset}, the log ends at ${this.endOffset}: give that at most`,
        )
      }
      if (offset <= this.#startOffset) return
      if (offset === this.endOffset && this.#segments.active.sizeBytes > 0) this.#writer.roll()
      await this.#writer.checkpoint.update({ startOffset: offset })
      this.#startOffset = offset
      await this.#deleteFirst(this.#segments.sealed.filter((segment) => segment.nextOffset <= offset).length)
    })
  }

  /**
   * Removes records whose key has a newer one, tombstones and markers after `deleteRetentionMs`, and aborted data, from sealed
   * segments without undecided transactions. Offsets stay. INVALID_ARGUMENT unless the log is `compacted`.
   */
  compact(): Promise<CompactionReport> {
    return this.#exclusive('compact', async () => {
      const { settings, producers, checkpoint } = this.#writer
      if (!settings.compacted) {
        throw this.#errors.of('INVALID_ARGUMENT', 'the log is not compacted: set `compacted` for the topic')
      }
      await this.#writer.seal()
      return compactLog({
        store: this.#store,
        segments: this.#segments,
        producers,
        checkpoint,
        settings,
        errors: this.#errors,
        lastStableOffset: this.lastStableOffset,
        isStopped: () => this.#closing !== undefined,
      })
    })
  }

  /** Changes options from now on; `logger` and `indexIntervalBytes` from the next opening. INVALID_ARGUMENT for values out of range. */
  updateOptions(options: Partial<PartitionLogOptions>): void {
    const settings = partitionLogSettings(options, this.#writer.settings, this.#errors)
    this.#writer.settings = settings
    this.#writer.syncer.mode = settings.fsync
  }

  /** Puts all that was appended on the disk, whatever `fsync` says. */
  async flush(): Promise<void> {
    this.#checkOpen()
    await this.#writer.syncer.flush()
  }

  /**
   * Syncs, writes what makes the next opening fast, and closes the files. Idempotent. What fails is logged as a
   * warning: the log itself is whole, and the next opening verifies its tail.
   */
  close(): Promise<void> {
    return this.#end(true)
  }

  /** Closes the log and deletes it. Idempotent. */
  async delete(): Promise<void> {
    await this.#end(false)
    try {
      await this.#store.destroy()
    } catch (error) {
      throw this.#errors.system(error, 'delete the log')
    }
  }

  #end(keep: boolean): Promise<void> {
    this.#closing ??= this.#background
      .catch(() => {})
      .then(() => (keep ? this.#writer.finish() : this.#writer.syncer.settle()))
      .catch((error: unknown) => {
        const { message } = this.#errors.system(error, 'close the log')
        this.#writer.settings.logger.warn(message)
      })
      .then(() => this.#writer.dispose())
    return this.#closing
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#errors.of('CLOSED', 'the log is closed: open it again')
  }

  #expired(offset: number): StreamError {
    return this.#errors.of(
      'POSITION_EXPIRED',
      `offset ${offset} was deleted, the log begins at ${this.#startOffset}: resume there, or keep records longer`,
    )
  }

  #sealLater(): void {
    this.#exclusive('seal a segment', () => this.#writer.seal()).catch((error: StreamError) => {
      if (error.code === 'CLOSED') return
      this.#writer.settings.logger.warn(`${error.message}; it is tried again`)
    })
  }

  /** Runs one after another, each after those before it have settled. */
  #exclusive<T>(what: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#background
      .catch(() => {})
      .then(async () => {
        this.#checkOpen()
        try {
          return await work()
        } catch (error) {
          throw this.#errors.system(error, what)
        }
      })
    this.#background = turn
    return turn
  }

  /** Deletes the oldest segments, oldest first, so that a crash leaves no gap. */
  async #deleteFirst(count: number): Promise<void> {
    const expired = this.#segments.all.slice(0, count)
    if (expired.length === 0) return
    this.#startOffset = Math.max(this.#startOffset, expired.at(-1)!.nextOffset)
    this.#segments.replace(expired)
    for (const segment of expired) {
      await this.#store.delete(segment.logName)
      await segment.deleteIndexFiles()
    }
  }
}

const EMPTY = Buffer.alloc(0)
