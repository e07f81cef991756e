import type { CheckpointFile } from './checkpoint.ts'
import type { LogErrors } from './log-errors.ts'
import type { PartitionLogSettings } from './log-settings.ts'
import type { ProducerState } from './producer-state.ts'
import type { SegmentList } from './segment-list.ts'
import type { SegmentStore } from './store.ts'

export interface CompactionReport {
  /** Segments and bytes that were rewritten, and what became of them. */
  readonly segmentsBefore: number
  readonly segmentsAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly recordsRemoved: number
  /** All before it is compacted. */
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
  readonly startOffset: number
  /** True ends the work early, between two segments. */
  readonly isStopped: () => boolean
}
export async function compactLog(_context: CompactionContext): Promise<CompactionReport> {
  throw new Error('todo')
}
