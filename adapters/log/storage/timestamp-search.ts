import {
  isControl,
  lastOffset,
  maxTimestamp,
  RecordBatchView,
  verifyBatch,
} from '../../../src/formats/record-batch/index.ts'
import type { LogErrors } from './log-errors.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

/**
 * The offset of the first record at or after `startOffset` that is not older than `timestamp`; undefined where there is
 * none. Transactions are not looked at. INTERNAL where the batch that would hold it is damaged.
 */
export async function findTimestamp(
  segments: SegmentList,
  timestamp: number,
  startOffset: number,
  errors: LogErrors,
): Promise<number | undefined> {
  for (const segment of segments.all) {
    if (segment.isSealed && segment.nextOffset <= startOffset) continue
    segment.pin()
    try {
      if ((await segment.largestTimestamp()) < timestamp) continue
      const found = await findInSegment(segment, timestamp, startOffset, errors)
      if (found !== undefined) return found
    } catch (error) {
      // Deleted or replaced meanwhile: the list has changed.
      if (!segment.isLive) return await findTimestamp(segments, timestamp, startOffset, errors)
      throw errors.system(error, `read ${segment.logName}`)
    } finally {
      segment.unpin()
      segments.touch(segment)
    }
  }
  return undefined
}

async function findInSegment(
  segment: Segment,
  timestamp: number,
  startOffset: number,
  errors: LogErrors,
): Promise<number | undefined> {
  let from = Math.max(await segment.offsetBefore(timestamp), startOffset)
  for (;;) {
    let place: { position: number; size: number; next: number } | undefined
    await segment.scanFrom(from, (buffer, at, position, size) => {
      if (lastOffset(buffer, at) < from || maxTimestamp(buffer, at) < timestamp) return true
      if (isControl(buffer, at)) return true
      place = { position, size, next: lastOffset(buffer, at) + 1 }
      return false
    })
    if (place === undefined) return undefined
    const batch = Buffer.allocUnsafeSlow(place.size)
    await segment.file.read(batch, 0, place.size, place.position)
    const verdict = verifyBatch(batch, 0, place.size)
    if (verdict.kind === 'corrupt') {
      throw errors.damaged(segment.logName, from, place.position, verdict.reason, place.next)
    }
    const records = new RecordBatchView(batch, 0, batch.length, { verifyCrc: false, from: startOffset })
    for (let i = 0; i < records.count; i++) {
      if (records.timestamp(i) >= timestamp) return records.offset(i)
    }
    from = place.next
  }
}
