import { StreamError } from '../../../src/driver.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { EARLIEST, LATEST, type ListedOffset, listOffsets } from '../wire/protocol/list-offsets.ts'
import type { KafkaWire, TopicLayout } from '../wire/wire.ts'

/** A leader that hangs is one that is away. Milliseconds. */
const REQUEST_MS = 5_000

/** Earliest and latest offset by partition; what cannot be known now, as its leader is away, is left out. */
export interface PartitionEnds {
  readonly earliest: ReadonlyMap<number, number>
  readonly latest: ReadonlyMap<number, number>
}

/** Asks the leaders where a topic's partitions begin and end. `latest` is behind open transactions, as readers see it. */
export async function partitionEnds(wire: KafkaWire, layout: TopicLayout): Promise<PartitionEnds> {
  const [earliest, latest] = await Promise.all([ask(wire, layout, EARLIEST), ask(wire, layout, LATEST)])
  return { earliest, latest }
}

async function ask(wire: KafkaWire, layout: TopicLayout, timestamp: number): Promise<Map<number, number>> {
  const topic = layout.name
  const byLeader = Map.groupBy(
    layout.partitions.filter(({ leader }) => leader >= 0),
    ({ leader }) => leader,
  )
  const answers = await Promise.all(
    Array.from(byLeader, ([node, leads]) => {
      const partitions = leads.map(({ id }) => ({ topic, partition: id, timestamp, leaderEpoch: -1 }))
      const request = { isolation: 'committed', partitions } as const
      return wire
        .request({ kind: 'node', node }, listOffsets, request, { timeoutMs: REQUEST_MS })
        .catch(noneWhereAway)
    }),
  )
  return new Map(
    answers
      .flat()
      .filter(known)
      .map(({ partition, offset }) => [partition, offset]),
  )
}

function noneWhereAway(error: unknown): readonly ListedOffset[] {
  if (error instanceof StreamError && error.retryable) return []
  throw error
}

function known({ topic, partition, errorCode }: ListedOffset): boolean {
  if (errorCode === KafkaError.NONE) return true
  if (isStale(errorCode)) return false
  throw errorOf(errorCode, `asking where partition ${partition} of '${topic}' ends`, { topic, partition })
}
