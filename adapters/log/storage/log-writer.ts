import {
  lastOffset,
  lastOffsetDelta,
  recordsCount,
  stampBatch,
  verifyBatch,
} from '../../../src/formats/record-batch/index.ts'
import { CheckpointFile } from './checkpoint.ts'
import type { LogErrors } from './log-errors.ts'
import type { PartitionLogSettings } from './log-settings.ts'
import type { OpenedLog } from './open-log.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import type { SegmentStore } from './store.ts'
import { Syncer } from './syncer.ts'

/** What an append did. */
export interface AppendResult {
  readonly baseOffset: number
  /** The producer had sent the batch before: nothing was written, and the offset is that of the first time. */
  readonly duplicate: boolean
}

/** A sealed segment whose indexes and producer snapshot are not on the disk yet. */
interface Unsealed {
  readonly segment: Segment
  readonly producers: unknown
  isSynced: boolean
}

/** The writing half of a log: appends, rolling, syncing, and what is left on the disk by the way and at the end. */
export class LogWriter {
  readonly segments: SegmentList
  readonly producers: ProducerState
  readonly checkpoint: CheckpointFile
  readonly syncer: Syncer
  settings: PartitionLogSettings
  readonly #store: SegmentStore
  readonly #errors: LogErrors
  readonly #snapshots: ProducerSnapshots
  readonly #sealLater: () => void
  #endOffset: number
  #unsealed: Unsealed[] = []
  #isFolderDirty = true

  /** `sealLater` is called when a segment was sealed: it sees to it that `seal` runs before long. */
  constructor(
    store: SegmentStore,
    errors: LogErrors,
    settings: PartitionLogSettings,
    opened: OpenedLog,
    sealLater: () => void,
  ) {
    this.#store = store
    this.#errors = errors
    this.settings = settings
    this.segments = opened.segments
    this.producers = opened.producers
    this.#snapshots = opened.snapshots
    this.checkpoint = new CheckpointFile(store, opened.checkpoint)
    this.#sealLater = sealLater
    this.#endOffset = opened.segments.active.nextOffset
    this.syncer = new Syncer(
      settings.fsync,
      () => this.#sync(),
      (error) => settings.logger.error(error.message),
    )
    // After a crash the tail may be in the page cache alone.
    if (!opened.wasClosed) this.syncer.appended()
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** See `PartitionLog.append`. */
  append(batch: Buffer): AppendResult {
    this.#checkBatch(batch)
    const before = this.producers.check(batch, this.#errors)
    if (before !== undefined) return { baseOffset: before, duplicate: true }
    if (this.syncer.error !== undefined) throw this.syncer.error
    const base = this.#endOffset
    stampBatch(batch, 0, { baseOffset: base, leaderEpoch: 0 })
    const nowMs = this.settings.now()
    let active = this.segments.active
    try {
      if (this.#mustRoll(active, batch, nowMs)) active = this.roll()
      active.append(batch)
    } catch (error) {
      throw this.#errors.system(error, `append to ${active.logName}`)
    }
    if (active.sizeBytes === batch.length) active.begunAtMs = nowMs
    this.#endOffset = active.nextOffset
    const aborted = this.producers.apply(batch, 0, nowMs)
    if (aborted !== undefined) active.aborted.push(aborted)
    this.syncer.appended()
    return { baseOffset: base, duplicate: false }
  }

  /** Begins a new segment. What the old one needs besides is written later: an append must not wait for it. */
  roll(): Segment {
    const old = this.segments.active
    const next = new Segment(this.#store, this.#endOffset, this.settings.indexIntervalBytes)
    next.create()
    next.isSealed = false
    old.isSealed = true
    this.#isFolderDirty = true
    old.pin()
    this.#unsealed.push({ segment: old, producers: this.producers.toJSON(), isSynced: false })
    this.segments.push(next)
    this.#sealLater()
    return next
  }

  /**
   * Puts sealed segments on the disk with their indexes and the producer state behind them, and moves the recovery
   * point. One call at a time. What failed is tried again by the next call.
   */
  async seal(): Promise<void> {
    for (;;) {
      const next = this.#unsealed[0]
      if (next === undefined) return
      const { segment, producers } = next
      if (segment.isLive) {
        await this.#syncSealed(next)
        await segment.writeIndexes()
        await this.#snapshots.write(segment.nextOffset, producers)
        await this.checkpoint.update({ recoveryPoint: segment.nextOffset })
      }
      this.#unsealed.shift()
      segment.unpin()
    }
  }

  /** Leaves all on the disk so that the next opening has nothing to verify. */
  async finish(): Promise<void> {
    await this.seal()
    await this.syncer.flush()
    const { active } = this.segments
    await active.writeIndexes()
    const { baseOffset, sizeBytes, begunAtMs } = active
    this.producers.expire(this.settings.now())
    await this.#snapshots.write(this.#endOffset, this.producers.toJSON())
    await this.checkpoint.update({
      recoveryPoint: this.#endOffset,
      clean: { baseOffset, sizeBytes, endOffset: this.#endOffset, begunAtMs },
    })
  }

  /** Lets go of timer and files, whatever is left to do. */
  dispose(): void {
    this.syncer.stop()
    for (const { segment } of this.#unsealed.splice(0)) segment.unpin()
    this.segments.retireAll()
  }

  #checkBatch(batch: Buffer): void {
    const verdict = verifyBatch(batch, 0, batch.length, false)
    if (verdict.kind !== 'ok' || verdict.size !== batch.length) {
      const what = verdict.kind === 'corrupt' ? verdict.reason : `is not ${batch.length} bytes long`
      throw this.#errors.of('INVALID_ARGUMENT', `the record batch ${what}: append one whole batch at a time`)
    }
    if (recordsCount(batch, 0) !== lastOffsetDelta(batch, 0) + 1) {
      throw this.#errors.of('INVALID_ARGUMENT', 'the record batch has no records or holes: encode it anew')
    }
  }

  #mustRoll(active: Segment, batch: Buffer, nowMs: number): boolean {
    if (active.sizeBytes === 0) return false
    const { segmentBytes, segmentMs } = this.settings
    return (
      active.sizeBytes + batch.length > segmentBytes ||
      !active.hasRoomFor(lastOffset(batch, 0)) ||
      nowMs - active.begunAtMs > segmentMs
    )
  }

  /** All that was appended when this is called: sealed segments that are not on the disk yet, then the active one. */
  async #sync(): Promise<void> {
    const { active } = this.segments
    const sealed = [...this.#unsealed]
    active.pin()
    try {
      for (const unsealed of sealed) await this.#syncSealed(unsealed)
      await active.file.sync()
      if (this.#isFolderDirty) {
        this.#isFolderDirty = false
        await this.#store.syncFolder()
      }
    } catch (error) {
      throw this.#errors.of(
        'UNAVAILABLE',
        `the disk did not take what was written to ${this.#store.location} (${(error as Error).message}): look after ` +
          'the disk, then open the log anew, which verifies what it holds',
        error,
      )
    } finally {
      active.unpin()
    }
  }

  async #syncSealed(unsealed: Unsealed): Promise<void> {
    if (unsealed.isSynced || !unsealed.segment.isLive) return
    await unsealed.segment.file.sync()
    unsealed.isSynced = true
  }
}
