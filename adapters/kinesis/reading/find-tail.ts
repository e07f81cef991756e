import type { Kinesis } from '../parts.ts'
import type { Place } from '../positions.ts'
import { Aggregate } from '../records/index.ts'
import { retrying } from '../service/retrying.ts'
import { PollingSource } from './polling-source.ts'
import type { ReadingLimits } from './reading-limits.ts'
import { ShardEnds } from './shard-ends.ts'
import { arrivalOf } from './shard-records.ts'

/** The end of a shard as it stood at one moment. */
export interface Tail {
  /** The last record that was found. */
  readonly last: Place | undefined
  readonly lastArrival: number | undefined
  /** The search began with what arrived then; without `last` nothing has arrived since. Milliseconds since the epoch. */
  readonly since: number
  /** The shard has ended: nothing comes any more. */
  readonly ended: boolean
}

/** So far back the search begins: more than the service's clocks may differ, and little to read. */
const BACK_MS = 5_000
const CLOCK_MS = 1_000
const FETCH_BYTES = 10 << 20
const PATIENCE_MS = 20_000

/**
 * Finds the last record of a shard. The service does not name it, and a LATEST iterator stands for a place that cannot be kept: so the
 * last seconds are read.
 */
export async function findTail(
  kinesis: Kinesis,
  stream: string,
  shardId: string,
  limits: ReadingLimits,
): Promise<Tail> {
  const now = kinesis.service.now()
  const since = Math.max(0, now - BACK_MS)
  const ends = new ShardEnds(kinesis, stream, shardId)
  const place = { type: 'AT_TIMESTAMP', timestamp: since } as const
  const source = new PollingSource(kinesis, stream, shardId, place, ends, limits)
  const deadline = performance.now() + PATIENCE_MS
  let last: Place | undefined
  let lastArrival: number | undefined
  try {
    for (;;) {
      const { records, millisBehind, ended } = await retrying(() => source.fetch(FETCH_BYTES), { deadline })
      const newest = records.at(-1)
      if (newest !== undefined) {
        const count = Aggregate.read(newest.Data!)?.count ?? 1
        last = { sequence: newest.SequenceNumber!, sub: Math.max(0, count - 1) }
        lastArrival = arrivalOf(newest)
      }
      if (ended) return { last, lastArrival, since, ended }
      // Where records never cease to come the end is the first that was not there yet.
      const passed = lastArrival !== undefined && lastArrival > now + CLOCK_MS
      if (millisBehind === 0 || passed) return { last, lastArrival, since, ended }
    }
  } finally {
    source.close()
  }
}
