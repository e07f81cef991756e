import { StreamError } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { type ListedOffset, listOffsets } from '../wire/protocol/list-offsets.ts'
import { retrying } from '../wire/retry.ts'
import type { BrokerRef } from '../wire/wire.ts'

export { EARLIEST, LATEST } from '../wire/protocol/list-offsets.ts'

export interface OffsetQuery extends TopicPartition {
  /** Milliseconds since the epoch, LATEST or EARLIEST. */
  readonly timestamp: number
}

/** Elections and restarts take a few seconds, and a broker that hangs is given up once before. */
const DEFAULT_PATIENCE_MS = 30_000
const REQUEST_MS = 5_000
/** A topic that is not known may have been created elsewhere a moment ago; one deleted must be told as such soon. */
const UNKNOWN_PATIENCE_MS = 2_000

/**
 * Asks the leaders of partitions for offsets, each leader once, again while leaders move. Answers in the order of the
 * queries. NOT_FOUND for a partition that is not there; else what remains after `patienceMs` (default 30,000).
 */
export async function findOffsets(
  { wire }: KafkaCluster,
  isolation: 'committed' | 'uncommitted',
  queries: readonly OffsetQuery[],
  options: { readonly patienceMs?: number; readonly signal?: AbortSignal } = {},
): Promise<readonly ListedOffset[]> {
  const found = new Map<OffsetQuery, ListedOffset>()
  const began = performance.now()
  const attempt = async (): Promise<void> => {
    const left = queries.filter((query) => !found.has(query))
    const failures: unknown[] = []
    const byNode = new Map<number, OffsetQuery[]>()
    for (const query of left) {
      const node = await wire.nodeOf(leaderOf(query))
      const same = byNode.get(node)
      if (same === undefined) byNode.set(node, [query])
      else same.push(query)
    }
    const asked = Array.from(byNode, async ([node, group]) => {
      // Two queries for one partition do not go into one request: the answer names partitions only.
      for (const round of distinct(group)) {
        const partitions = round.map(({ topic, partition, timestamp }) => {
          const leaderEpoch = wire.knownTopic(topic)?.partitions[partition]?.leaderEpoch ?? -1
          return { topic, partition, timestamp, leaderEpoch }
        })
        const answers = await wire.request(
          { kind: 'node', node },
          listOffsets,
          { isolation, partitions },
          { timeoutMs: REQUEST_MS },
        )
        for (const query of round) {
          const answer = answers.find(
            ({ topic, partition }) => topic === query.topic && partition === query.partition,
          )
          if (answer?.errorCode === KafkaError.NONE) found.set(query, answer)
          else failures.push(failureOf(query, answer?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR))
        }
      }
    })
    for (const result of await Promise.allSettled(asked)) {
      if (result.status === 'rejected') failures.push(result.reason)
    }
    if (failures.length === 0) return
    for (const query of queries) if (!found.has(query)) wire.invalidate(leaderOf(query))
    throw failures[0]
  }
  const deadline = began + (options.patienceMs ?? DEFAULT_PATIENCE_MS)
  await retrying(attempt, {
    deadline,
    signal: options.signal,
    again: (error) =>
      error.retryable ||
      (error.code === 'NOT_FOUND' && performance.now() - began < UNKNOWN_PATIENCE_MS && isMoving(error)),
  })
  return queries.map((query) => found.get(query) as ListedOffset)
}

/** The one offset of a partition. */
export async function findOffset(
  cluster: KafkaCluster,
  isolation: 'committed' | 'uncommitted',
  query: OffsetQuery,
  signal?: AbortSignal,
): Promise<ListedOffset> {
  const [found] = await findOffsets(cluster, isolation, [query], signal === undefined ? {} : { signal })
  return found as ListedOffset
}

function leaderOf({ topic, partition }: TopicPartition): BrokerRef {
  return { kind: 'leader', topic, partition }
}

/** A broker that does not know what the metadata names has not heard of it yet. */
class MovingError extends StreamError {}
const isMoving = (error: StreamError): boolean => error instanceof MovingError

function failureOf({ topic, partition }: TopicPartition, code: number): StreamError {
  const error = errorOf(code, `looking for a place in partition ${partition} of '${topic}'`, {
    topic,
    partition,
  })
  if (!isStale(code) || error.retryable) return error
  return new MovingError(error.code, error.message, { topic, partition: String(partition), retryable: false })
}

function distinct(queries: readonly OffsetQuery[]): OffsetQuery[][] {
  const rounds: Map<string, OffsetQuery>[] = []
  for (const query of queries) {
    const key = `${query.topic}/${query.partition}`
    let round = rounds.find((it) => !it.has(key))
    if (round === undefined) rounds.push((round = new Map()))
    round.set(key, query)
  }
  return rounds.map((round) => [...round.values()])
}
