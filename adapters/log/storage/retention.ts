import type { PartitionLogSettings } from './log-settings.ts'
import type { SegmentList } from './segment-list.ts'

/**
 * How many of the oldest segments retention deletes. The active segment is among them when all of it is too old: the
 * caller seals it first. Segments go from the oldest on, up to the first that is kept. As Kafka's `deleteOldSegments`.
 */
export async function countExpired(
  segments: SegmentList,
  settings: Pick<PartitionLogSettings, 'retentionMs' | 'retentionBytes' | 'now'>,
): Promise<number> {
  const { all } = segments
  const oldest = settings.now() - settings.retentionMs
  let count = 0
  for (const segment of all) {
    if (settings.retentionMs === Number.POSITIVE_INFINITY || segment.sizeBytes === 0) break
    const largest = await segment.largestTimestamp()
    segments.touch(segment)
    if (largest >= oldest) break
    count++
  }
  let surplus = segments.sizeBytes - settings.retentionBytes
  for (const [i, segment] of all.entries()) {
    surplus -= segment.sizeBytes
    if (surplus < 0 || !segment.isSealed) break
    count = Math.max(count, i + 1)
  }
  return count
}
