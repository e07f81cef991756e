import { type From, StreamError } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import { toPlainFrom } from '../plain-bounds.ts'
import { EARLIEST, findOffsets, LATEST } from '../reading/find-offsets.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { ListedOffset } from '../wire/protocol/list-offsets.ts'
import type { FetchedOffset } from '../wire/protocol/offset-fetch.ts'

/**
 * Where a group begins in partitions in which it has no checkpoint. A topic of which it has none at all is new to it: there
 * `from` says so. In a topic that it knows they were added later, and are read from their beginning.
 */
export async function initialOffsets(
  cluster: KafkaCluster,
  committed: readonly FetchedOffset[],
  from: From,
): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
  const known = new Set(committed.filter(({ offset }) => offset >= 0).map(({ topic }) => topic))
  const missing = committed.filter(({ offset }) => offset < 0)
  const [first, later] = [
    missing.filter(({ topic }) => !known.has(topic)),
    missing.filter(({ topic }) => known.has(topic)),
  ]
  return [
    ...(await resolveOffsets(cluster, first, from)),
    ...(await resolveOffsets(cluster, later, 'earliest')),
  ]
}

/** `from` as offsets. INVALID_ARGUMENT for a position beyond a partition's end. `latest` is the last stable offset. */
export async function resolveOffsets(
  cluster: KafkaCluster,
  partitions: readonly TopicPartition[],
  from: From,
): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
  if (partitions.length === 0) return []
  const plain = toPlainFrom(from)
  const ask = (timestamp: number): Promise<readonly ListedOffset[]> =>
    findOffsets(
      cluster,
      'committed',
      partitions.map(({ topic, partition }) => ({ topic, partition, timestamp })),
    )
  const placed = (offsetAt: (i: number) => number) =>
    partitions.map(({ topic, partition }, i) => ({ topic, partition, offset: offsetAt(i) }))
  if (plain === 'earliest') {
    const found = await ask(EARLIEST)
    return placed((i) => found[i]!.offset)
  }
  const ends = await ask(LATEST)
  if (plain === 'latest') return placed((i) => ends[i]!.offset)
  if ('timestamp' in plain) {
    const found = await ask(plain.timestamp)
    return placed((i) =>
      found[i]!.offset < 0 ? ends[i]!.offset : Math.min(found[i]!.offset, ends[i]!.offset),
    )
  }
  const { offset } = plain
  const beyond = ends.find((end) => offset > end.offset)
  if (beyond === undefined) return placed(() => offset)
  const { topic, partition } = beyond
  throw new StreamError(
    'INVALID_ARGUMENT',
    `position ${offset} is beyond the end of partition ${partition} of '${topic}', whose next record will have ` +
      `${beyond.offset}: use a position that a record came with`,
    { topic, partition: String(partition), position: String(offset) },
  )
}
