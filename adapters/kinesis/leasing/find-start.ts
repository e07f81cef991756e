import type { From } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { parseCheckpoint, type ResumePoint } from '../positions.ts'
import { findTail } from '../reading/find-tail.ts'
import { openReader } from '../reading/open-reader.ts'
import { SERVICE_LIMITS } from '../reading/reading-limits.ts'
import type { Shard } from '../shards/stream-catalog.ts'

/**
 * Where a shard is resumed by a group that begins to read `from` there. `latest` is resolved now, to the last record that the shard has, so that it means
 * the same after a restart. Rejects INVALID_ARGUMENT for a position at which nothing stands, POSITION_EXPIRED for one that is gone.
 */
export async function findStart(
  kinesis: Kinesis,
  topic: string,
  shard: Pick<Shard, 'id' | 'open'>,
  from: From,
): Promise<ResumePoint> {
  if (from === 'earliest') return { kind: 'earliest' }
  if (from === 'latest') return shard.open ? findEnd(kinesis, topic, shard.id) : { kind: 'end' }
  if ('timestamp' in from) return { kind: 'time', timestamp: Number(from.timestamp) }
  // A reader looks whether a record stands there. By polling: a subscription may be another's.
  const polling = { ...kinesis, settings: { ...kinesis.settings, fanout: undefined } }
  const reader = await openReader(polling, { topic, partition: shard.id, start: { from } }, () => {})
  try {
    return parseCheckpoint(reader.checkpoint)
  } finally {
    await reader.close()
  }
}

async function findEnd(kinesis: Kinesis, topic: string, shard: string): Promise<ResumePoint> {
  const { last, lastArrival, since, ended } = await findTail(kinesis, topic, shard, SERVICE_LIMITS)
  if (ended) return { kind: 'end' }
  return last === undefined ? { kind: 'latest', since } : { kind: 'after', ...last, arrival: lastArrival }
}
