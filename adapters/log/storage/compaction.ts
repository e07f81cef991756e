import { isControl, lastOffset } from '../../../src/formats/record-batch/index.ts'
import { BatchFilter, mapBatchKeys } from './batch-filter.ts'
import type { CheckpointFile } from './checkpoint.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { collectAborted } from './collect-aborted.ts'
import { CLEANED, fileName } from './file-names.ts'
import { KeyOffsets } from './key-offsets.ts'
import type { LogErrors } from './log-errors.ts'
import { deleteReplaced, swapName } from './log-files.ts'
import type { PartitionLogSettings } from './log-settings.ts'
import type { ProducerState } from './producer-state.ts'
import type { BatchVisitor } from './scan-batches.ts'
import { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import type { SegmentStore } from './store.ts'

/** What a compaction did. */
export interface CompactionReport {
  /** The segments that were rewritten, and what became of them. */
  readonly segmentsBefore: number
  readonly segmentsAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly recordsRemoved: number
  /** All before it was compacted, now or earlier. */
  readonly cleanedOffset: number
}

export interface CompactionContext {
  readonly store: SegmentStore
  readonly segments: SegmentList
  readonly producers: ProducerState
  readonly checkpoint: CheckpointFile
  readonly settings: PartitionLogSettings
  readonly errors: LogErrors
  readonly lastStableOffset: number
  /** True ends the work early, between two segments. */
  readonly isStopped: () => boolean
}

/**
 * Compacts the sealed segments before the last stable offset, in rounds of as many keys as fit into memory. Each round
 * maps the keys of the part that was not compacted yet, then rewrites all segments up to its end, as Kafka's `Cleaner`
 * does. Nothing happens where nothing is new and no tombstone due. INTERNAL where a batch is damaged: such
 * segments stay as they are.
 */
export async function compactLog(context: CompactionContext): Promise<CompactionReport> {
  const { checkpoint, segments, settings } = context
  const total = { segmentsBefore: 0, segmentsAfter: 0, bytesBefore: 0, bytesAfter: 0, recordsRemoved: 0 }
  const end = cleanableEnd(segments, context.lastStableOffset)
  for (let isDone = false; !isDone; ) {
    const { cleanedOffset, nextHorizonMs } = checkpoint.current
    const nowMs = settings.now()
    const isDue = nextHorizonMs !== null && nextHorizonMs <= nowMs
    if (cleanedOffset >= end && !isDue) break
    isDone = await new Round(context, Math.min(cleanedOffset, end), end, nowMs).run(total)
  }
  return { ...total, cleanedOffset: checkpoint.current.cleanedOffset }
}

/** Where the first segment begins that must not be touched: the active one, or one with undecided transactions. */
function cleanableEnd(segments: SegmentList, lastStableOffset: number): number {
  const segment = segments.sealed.find(({ nextOffset }) => nextOffset > lastStableOffset)
  return (segment ?? segments.active).baseOffset
}

type Totals = { -readonly [K in keyof Omit<CompactionReport, 'cleanedOffset'>]: number }

class Round {
  readonly #context: CompactionContext
  readonly #from: number
  readonly #end: number
  readonly #nowMs: number

  constructor(context: CompactionContext, from: number, end: number, nowMs: number) {
    this.#context = context
    this.#from = from
    this.#end = end
    this.#nowMs = nowMs
  }

  /** True when no further round is needed, or it was stopped. */
  async run(total: Totals): Promise<boolean> {
    const { segments, settings, producers, checkpoint, isStopped } = this.#context
    const keys = new KeyOffsets(settings.compactionKeys)
    const mapEnd = await this.#mapKeys(keys)
    const filter = new BatchFilter({
      keys,
      mapEnd,
      transactions: new CleanedTransactions(collectAborted(segments, 0, this.#end)),
      producers,
      nowMs: this.#nowMs,
      deleteRetentionMs: settings.deleteRetentionMs,
    })
    const cleanable = segments.sealed.filter(({ baseOffset: base }) => base < mapEnd)
    for (const group of groupSegments(cleanable, settings.segmentBytes)) {
      if (isStopped()) return true
      total.segmentsBefore += group.length
      for (const { sizeBytes } of group) total.bytesBefore += sizeBytes
      const cleaned = await this.#clean(group, filter)
      total.segmentsAfter++
      total.bytesAfter += cleaned.sizeBytes
    }
    total.recordsRemoved += filter.recordsRemoved
    const { nextHorizonMs } = filter
    await checkpoint.update({
      cleanedOffset: mapEnd,
      nextHorizonMs: nextHorizonMs === Number.POSITIVE_INFINITY ? null : nextHorizonMs,
    })
    return mapEnd >= this.#end
  }

  /** Maps the newest offset of each key, as far as there is room; returns where the map ends. */
  async #mapKeys(keys: KeyOffsets): Promise<number> {
    const { segments } = this.#context
    const transactions = new CleanedTransactions(collectAborted(segments, this.#from, this.#end))
    let mapEnd = this.#from
    for (const segment of segments.sealed) {
      if (segment.nextOffset <= this.#from || segment.baseOffset >= this.#end) continue
      await this.#scan(segment, (buffer, at) => {
        if (isControl(buffer, at)) transactions.isSpent(buffer, at)
        else if (!transactions.isAborted(buffer, at) && lastOffset(buffer, at) >= this.#from) {
          mapBatchKeys(keys, buffer, at)
        }
        mapEnd = Math.max(mapEnd, lastOffset(buffer, at) + 1)
        return !keys.isFull
      })
      if (keys.isFull) return mapEnd
    }
    return this.#end
  }

  /** Writes one segment of what is left of `group` and puts it in their place. */
  async #clean(group: readonly Segment[], filter: BatchFilter): Promise<Segment> {
    const { store, settings } = this.#context
    const cleaned = new Segment(store, group[0]!.baseOffset, settings.indexIntervalBytes, CLEANED)
    cleaned.create()
    cleaned.pin()
    const end = group.at(-1)!.nextOffset
    for (const segment of group) {
      await this.#scan(segment, (buffer, at, _position, size) => {
        // The last batch stays, empty if need be: it tells where the segment's offsets end.
        const left = filter.filter(buffer, at, size, lastOffset(buffer, at) + 1 === end)
        if (left !== undefined) cleaned.append(left)
      })
    }
    cleaned.aborted = filter.takeKeptAborts()
    await swapSegments(this.#context, group, cleaned)
    return cleaned
  }

  /** Shows all batches of a segment, verified; rejects where one is damaged. */
  async #scan(segment: Segment, visit: BatchVisitor): Promise<void> {
    const { errors } = this.#context
    const range = { from: 0, offset: segment.baseOffset, upper: segment.nextOffset, verifyCrc: true }
    const { damages } = await segment.scan(range, visit)
    const [damage] = damages
    if (damage === undefined) return
    const { offset, position, reason, next } = damage
    throw errors.damaged(segment.logName, offset, position, reason, next?.offset ?? segment.nextOffset)
  }
}

/** Segments that follow each other and together fit into one, so that compaction does not leave ever smaller ones. */
function groupSegments(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = []
  let sizeBytes = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    sizeBytes += segment.sizeBytes
    if (group !== undefined && sizeBytes <= segmentBytes && group[0]!.hasRoomFor(segment.nextOffset)) {
      group.push(segment)
    } else {
      groups.push([segment])
      sizeBytes = segment.sizeBytes
    }
  }
  return groups
}

/**
 * Puts a compacted segment in the place of those it was made of. The rename to `.swap` decides: before it a crash leaves the
 * old segments, after it the next opening goes on where this stopped (`tidyFiles`).
 */
async function swapSegments(
  context: CompactionContext,
  group: readonly Segment[],
  cleaned: Segment,
): Promise<void> {
  const { store, segments } = context
  const { baseOffset: base } = cleaned
  await cleaned.file.sync()
  store.rename(fileName(base, 'log') + CLEANED, swapName(base))
  segments.replace(group, cleaned)
  await store.syncFolder()
  await deleteReplaced(
    store,
    base,
    group.map((segment) => segment.baseOffset),
  )
  store.rename(swapName(base), fileName(base, 'log'))
  await store.syncFolder()
  cleaned.renamed()
  await cleaned.writeIndexes()
  cleaned.unpin()
  segments.touch(cleaned)
}
