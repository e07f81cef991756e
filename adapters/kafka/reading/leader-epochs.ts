import type { ResumePoint } from '../checkpoints.ts'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { offsetForLeaderEpoch } from '../wire/protocol/offset-for-leader-epoch.ts'
import type { BrokerRef } from '../wire/wire.ts'
import { truncatedBefore } from './read-range.ts'

const REQUEST_MS = 5_000

/**
 * Asks the leader whether its log still holds what was read up to `at` (KIP-320). After an unclean election it may not: then
 * POSITION_EXPIRED, rather than other records at offsets that count as read. Rejects as `wire.request` does.
 */
export async function checkNotTruncated(
  { wire }: KafkaCluster,
  topic: string,
  partition: number,
  at: ResumePoint,
  currentLeaderEpoch: number,
): Promise<void> {
  const leader: BrokerRef = { kind: 'leader', topic, partition }
  const { leaderEpoch } = at
  const asked = [{ topic, partition, currentLeaderEpoch, leaderEpoch }]
  const [answer] = await wire.request(leader, offsetForLeaderEpoch, asked, { timeoutMs: REQUEST_MS })
  const code = answer?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR
  // One may be allowed to read a topic through a proxy or service that does not have this request.
  if (code === KafkaError.TOPIC_AUTHORIZATION_FAILED) return
  if (code !== KafkaError.NONE) {
    if (isStale(code)) wire.invalidate(leader)
    throw errorOf(code, `looking for leader epoch ${leaderEpoch} in partition ${partition} of '${topic}'`, {
      topic,
      partition,
    })
  }
  const { endOffset } = answer!
  if (endOffset < 0 || endOffset >= at.offset) return
  throw truncatedBefore(topic, partition, at.offset, undefined)
}
