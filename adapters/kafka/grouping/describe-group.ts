import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { KafkaCluster } from '../parts.ts'
import { KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { consumerGroupDescribe } from '../wire/protocol/consumer-group-describe.ts'
import { type DescribedGroup, describeGroups } from '../wire/protocol/describe-groups.ts'
import { decodeAssignment } from './consumer-protocol.ts'
import { coordinatorOf, REQUEST_MS, refusedByCoordinator } from './group-requests.ts'

export interface GroupView {
  /** Which protocol it is of; null where there is no such group. One with members of both is of `consumer`. */
  readonly protocol: 'classic' | 'consumer' | null
  readonly stable: boolean
  readonly members: readonly MemberView[]
}

export interface MemberView {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly partitions: readonly TopicPartition[]
  /** What it reads; unknown (empty) of members of the classic protocol. */
  readonly topics: readonly string[]
  readonly classic: boolean
}

/** A group of either protocol, as its coordinator has it now. Never rejects for want of the group. */
export async function describeGroup(cluster: KafkaCluster, group: string): Promise<GroupView> {
  const classic = await describeClassic(cluster, group)
  if (classic !== undefined) {
    const members = classic.members.map(({ memberId, groupInstanceId, clientId, assignment }) => ({
      memberId,
      instanceId: groupInstanceId,
      clientId,
      partitions: decodeAssignment(assignment),
      topics: [],
      classic: true,
    }))
    return { protocol: 'classic', stable: classic.state === 'Stable', members }
  }
  return (await describeConsumer(cluster, group)) ?? { protocol: null, stable: false, members: [] }
}

/** One of the classic protocol; undefined where there is none. */
export async function describeClassic(
  cluster: KafkaCluster,
  group: string,
): Promise<DescribedGroup | undefined> {
  const [described] = await cluster.wire.request(
    coordinatorOf(group),
    describeGroups,
    { groups: [group] },
    { timeoutMs: REQUEST_MS },
  )
  const code = described?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR
  if (code === KafkaError.GROUP_ID_NOT_FOUND || described?.state === 'Dead') return undefined
  if (code !== KafkaError.NONE) throw refusedByCoordinator(cluster, group, code, 'describing')
  return described
}

/** One of KIP-848; undefined where there is none, or brokers that know no such groups. */
export async function describeConsumer(cluster: KafkaCluster, group: string): Promise<GroupView | undefined> {
  const described = await cluster.wire
    .request(coordinatorOf(group), consumerGroupDescribe, { groups: [group] }, { timeoutMs: REQUEST_MS })
    .catch((error) => {
      const failure = classify(error)
      if (failure.code === 'UNSUPPORTED') return undefined
      throw failure
    })
  if (described === undefined) return undefined
  const [view] = described
  const code = view?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR
  if (code === KafkaError.GROUP_ID_NOT_FOUND) return undefined
  if (code !== KafkaError.NONE) throw refusedByCoordinator(cluster, group, code, 'describing')
  const { state, members } = view!
  return {
    protocol: 'consumer',
    stable: state === 'Stable',
    members: members.map(({ assignment, ...member }) => ({ ...member, partitions: assignment })),
  }
}

export function noSuchGroup(group: string): StreamError {
  return new StreamError(
    'NOT_FOUND',
    `there is no group '${group}': look at its name, or let a member join it`,
  )
}
