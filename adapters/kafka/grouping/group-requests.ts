import type { StreamError } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { type FetchedOffset, offsetFetch } from '../wire/protocol/offset-fetch.ts'
import type { BrokerRef } from '../wire/wire.ts'

/** A coordinator that hangs is given up after so long. */
export const REQUEST_MS = 5_000

export const coordinatorOf = (group: string): BrokerRef => ({ kind: 'group', group })

/** The error for a coordinator's code; one that has moved is forgotten, so that the next request looks for it. */
export function refusedByCoordinator(
  { wire }: KafkaCluster,
  group: string,
  code: number,
  doing: string,
): StreamError {
  if (isStale(code)) wire.invalidate(coordinatorOf(group))
  return errorOf(code, `${doing} group '${group}'`)
}

/**
 * What a group has committed, of some partitions or (null) of all. Where nothing is, the offset is -1. With `stable`,
 * UNAVAILABLE and retryable while a transaction is about to change one of them.
 */
export async function committedOffsets(
  cluster: KafkaCluster,
  group: string,
  partitions: readonly TopicPartition[] | null,
  options: { readonly stable: boolean; readonly lane?: string },
): Promise<readonly FetchedOffset[]> {
  const { stable, lane } = options
  const answer = await cluster.wire.request(
    coordinatorOf(group),
    offsetFetch,
    { group, partitions, requireStable: stable },
    lane === undefined ? { timeoutMs: REQUEST_MS } : { lane, timeoutMs: REQUEST_MS },
  )
  const code =
    answer.errorCode !== KafkaError.NONE
      ? answer.errorCode
      : (answer.partitions.find(({ errorCode }) => errorCode !== KafkaError.NONE)?.errorCode ??
        KafkaError.NONE)
  if (code !== KafkaError.NONE) throw refusedByCoordinator(cluster, group, code, 'reading the checkpoints of')
  return answer.partitions
}
