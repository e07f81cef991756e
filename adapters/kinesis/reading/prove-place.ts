import type { DriverReaderOptions, StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { compareSequences, type Place } from '../positions.ts'
import { Aggregate } from '../records/index.ts'
import { retrying } from '../service/retrying.ts'
import { PollingSource } from './polling-source.ts'
import { beyondEnd, expired, nothingThere } from './reader-errors.ts'
import type { ReadingLimits } from './reading-limits.ts'
import { ShardEnds } from './shard-ends.ts'
import type { Delivery, ShardSource } from './shard-source.ts'

const FETCH_BYTES = 256 << 10
const PATIENCE_MS = 20_000

/**
 * Reads on until the first record is there, from a source that starts at `sequence`, which the service does in silence behind it where it is
 * gone. Undefined where that is not the first record.
 */
export async function provePlace(
  source: ShardSource,
  sequence: string,
  maxBytes = FETCH_BYTES,
): Promise<Delivery | undefined> {
  for (;;) {
    const delivery = await source.fetch(maxBytes)
    const [first] = delivery.records
    if (first !== undefined) return first.SequenceNumber === sequence ? delivery : undefined
    if (delivery.ended || delivery.millisBehind === 0) return undefined
  }
}

/** What is wrong with a place at which no record stands. */
export async function whyMissing(
  kinesis: Kinesis,
  where: Pick<DriverReaderOptions, 'topic' | 'partition'>,
  place: Place,
  limits: ReadingLimits,
): Promise<StreamError> {
  const { topic, partition } = where
  const shard = (await kinesis.streams.shards(topic)).shard(partition)
  if (shard !== undefined && compareSequences(place.sequence, shard.first) < 0)
    return nothingThere(where, place)
  if (shard?.last !== undefined && compareSequences(place.sequence, shard.last) > 0)
    return beyondEnd(where, place)
  const oldest = await findOldest(kinesis, topic, partition, limits)
  // All of the shard has left retention, so that place may have been one of it.
  if (oldest === undefined || compareSequences(place.sequence, oldest) < 0) return expired(where, place)
  return beyondEnd(where, place)
}

/** The sequence number of the oldest record that is kept. */
async function findOldest(
  kinesis: Kinesis,
  topic: string,
  partition: string,
  limits: ReadingLimits,
): Promise<string | undefined> {
  const ends = new ShardEnds(kinesis, topic, partition)
  const source = new PollingSource(kinesis, topic, partition, { type: 'TRIM_HORIZON' }, ends, limits)
  const deadline = performance.now() + PATIENCE_MS
  try {
    for (;;) {
      const { records, millisBehind, ended } = await retrying(() => source.fetch(1), { deadline })
      if (records.length > 0 || ended || millisBehind === 0) return records[0]?.SequenceNumber
    }
  } finally {
    source.close()
  }
}

/** Whether a record of the service holds one at `sub`. */
export function holds(delivery: Delivery, sub: number): boolean {
  return sub < (Aggregate.read(delivery.records[0]!.Data!)?.count ?? 1)
}
