import { StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import type { ResumePoint } from '../positions.ts'
import { PollingSource } from '../reading/polling-source.ts'
import { SERVICE_LIMITS } from '../reading/reading-limits.ts'
import { ShardEnds } from '../reading/shard-ends.ts'
import type { StartingPlace } from '../reading/shard-source.ts'
import { Aggregate } from '../records/index.ts'
import { retrying } from '../service/retrying.ts'

const PATIENCE_MS = 20_000

/**
 * How far a group is behind that resumes a shard there: by the first record that it has not done, or 0 where there is none. Milliseconds; undefined where
 * the place is gone. Two calls.
 */
export async function findLag(
  kinesis: Kinesis,
  topic: string,
  shard: string,
  point: ResumePoint,
): Promise<number | undefined> {
  const place = placeOf(point, kinesis.service.now())
  if (place === undefined) return 0
  const ends = new ShardEnds(kinesis, topic, shard)
  const source = new PollingSource(kinesis, topic, shard, place, ends, SERVICE_LIMITS)
  try {
    const { records, millisBehind } = await retrying(() => source.fetch(1), {
      deadline: performance.now() + PATIENCE_MS,
    })
    const undone = records.find((record) => {
      if (point.kind !== 'after' || record.SequenceNumber !== point.sequence) return true
      return point.sub < (Aggregate.read(record.Data!)?.count ?? 1) - 1
    })
    if (undone === undefined) return millisBehind
    const arrival = undone.ApproximateArrivalTimestamp?.getTime() ?? kinesis.service.now()
    return Math.max(1, millisBehind, Math.round(kinesis.service.now() - arrival))
  } catch (error) {
    if (error instanceof StreamError && ['NOT_FOUND', 'INVALID_ARGUMENT'].includes(error.code))
      return undefined
    throw error
  } finally {
    source.close()
  }
}

/** Undefined where nothing is behind it for certain. */
function placeOf(point: ResumePoint, now: number): StartingPlace | undefined {
  switch (point.kind) {
    case 'end':
      return undefined
    case 'earliest':
      return { type: 'TRIM_HORIZON' }
    case 'time':
      return { type: 'AT_TIMESTAMP', timestamp: Math.min(point.timestamp, now) }
    case 'latest':
      return point.since === undefined ? undefined : { type: 'AT_TIMESTAMP', timestamp: point.since }
    case 'after':
      return { type: 'AT_SEQUENCE_NUMBER', sequence: point.sequence }
  }
}
