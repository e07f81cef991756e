import type { KafkaCluster } from '../parts.ts'
import { KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { coordinatorOf, REQUEST_MS, refusedByCoordinator } from './group-requests.ts'
import type { Membership } from './membership.ts'

/** Who stores where a group begins: refused when the group has moved on since. */
export interface Term {
  readonly memberId: string
  readonly generation: number
  readonly instanceId: string | null
  readonly lane: string
}

export type Beginning = TopicPartition & { readonly offset: number }

/** Stores all of it or nothing, in one request. False where the group has moved on; rejects with what else went wrong. */
export async function storeBeginnings(
  cluster: KafkaCluster,
  group: string,
  api: Membership['offsetCommit'],
  { memberId, generation, instanceId, lane }: Term,
  beginnings: readonly Beginning[],
): Promise<boolean> {
  const partitions = beginnings.map((beginning) => ({ ...beginning, leaderEpoch: -1, metadata: '' }))
  const request = { group, memberId, generation, groupInstanceId: instanceId, partitions }
  const answers = await cluster.wire.request(coordinatorOf(group), api, request, {
    lane,
    timeoutMs: REQUEST_MS,
  })
  const code = answers.find(({ errorCode }) => errorCode !== KafkaError.NONE)?.errorCode
  if (code === undefined) return true
  const error = refusedByCoordinator(cluster, group, code, 'storing where to begin in')
  if (error.code === 'FENCED') return false
  throw error
}
