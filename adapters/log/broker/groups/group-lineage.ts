import type { Topics } from '../topics/topics.ts'
import { type GroupPartition, partitionKey } from './group-state.ts'

/** What is asked of a group here. */
interface GroupView {
  readonly topics: ReadonlySet<string>
  partition(topic: string, id: string): GroupPartition
}

/** All partitions of the topics that a group has seen, parents before their children. */
export function* knownPartitions(
  group: GroupView,
  topics: Topics,
): Generator<{ topic: string; id: string; parents: readonly string[] }> {
  for (const topic of group.topics) {
    for (const { id, parents } of topics.find(topic)?.stored.partitions ?? []) yield { topic, id, parents }
  }
}

/** Partitions that are not done and whose ancestors all are: the keys of those a member may have. */
export function readablePartitions(group: GroupView, topics: Topics): string[] {
  const keys: string[] = []
  // An empty one counts as done though its own parents are not.
  const passed = new Set<string>()
  for (const { topic, id, parents } of knownPartitions(group, topics)) {
    if (!parents.every((parent) => passed.has(partitionKey(topic, parent)))) continue
    const key = partitionKey(topic, id)
    if (group.partition(topic, id).ended) passed.add(key)
    else keys.push(key)
  }
  return keys
}

/** States, in base64, of the nearest ancestors that have one; none where the partition has one itself. */
export function inheritedStates(
  group: GroupView,
  topics: Topics,
  { topic, id, state }: GroupPartition,
): string[] {
  if (state !== null) return []
  const states = new Set<string>()
  const parentsOf = new Map(topics.get(topic).stored.partitions.map((entry) => [entry.id, entry.parents]))
  const collect = (child: string): void => {
    for (const parent of parentsOf.get(child) ?? []) {
      const inherited = group.partition(topic, parent).state
      if (inherited === null) collect(parent)
      else states.add(inherited)
    }
  }
  collect(id)
  return [...states]
}
