import type { GroupInfo } from '../broker-api.ts'
import type { Topics } from '../topics/topics.ts'
import type { Group } from './group.ts'
import { knownPartitions } from './group-lineage.ts'
import type { GroupPartition } from './group-state.ts'

/** A group as people ask for it. Lag is counted up to the last stable offset, which committed readers reach. */
export function describeGroup(group: Group, topics: Topics): GroupInfo {
  const members = [...group.members.values()].filter((member) => member.failed === undefined)
  const partitions = [...knownPartitions(group, topics)].map(({ topic, id }) => group.partition(topic, id))
  const unsettled = (partition: GroupPartition): boolean =>
    partition.revokeAt !== undefined || (partition.owner === undefined && partition.target !== undefined)
  return {
    group: group.id,
    state: members.length === 0 ? 'empty' : partitions.some(unsettled) ? 'rebalancing' : 'stable',
    members: members.map((member) => ({
      memberId: member.id,
      clientId: member.stored.clientId,
      assignments: partitions
        .filter((partition) => partition.owner === member)
        .map(({ topic, id }) => ({ topic, partition: id })),
    })),
    partitions: partitions.map(({ topic, id, checkpoint, ended, state, owner }) => {
      const { log, stable } = topics.get(topic).partition(id)
      const lag = ended ? 0 : Math.max(0, stable - Math.max(checkpoint, log.startOffset))
      return { topic, partition: id, checkpoint, ended, state, owner: owner?.id ?? null, lag }
    }),
  }
}
