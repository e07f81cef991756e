import type { Metadata, StoredMetadata } from '../metadata.ts'
import type { Topics } from '../topics/topics.ts'
import { Group } from './group.ts'
import type { StoredGroupPartition, StoredMember } from './group-state.ts'

/**
 * The groups as the last holder left them, members and owners included: whoever comes back in time goes on as if
 * nothing had been. The others are missed at the end of their session.
 */
export function loadGroups(metadata: Metadata, topics: Topics, stored: StoredMetadata): Map<string, Group> {
  const groups = new Map<string, Group>()
  const group = (id: string): Group => {
    let found = groups.get(id)
    if (found === undefined) groups.set(id, (found = new Group(id, metadata, topics)))
    return found
  }
  for (const { key, value } of stored) {
    const [kind, id = '', name = ''] = key
    if (kind === 'group') {
      for (const topic of (value as { topics: string[] }).topics)
        if (topics.find(topic)) group(id).topics.add(topic)
    } else if (kind === 'member') {
      const member = value as StoredMember
      const deadline = performance.now() + member.sessionTimeoutMs
      group(id).members.set(name, {
        id: name,
        stored: member,
        deadline,
        version: 0,
        failed: undefined,
        wake: undefined,
      })
    }
  }
  for (const { key, value } of stored) {
    const [kind, id = '', topic = '', name = ''] = key
    if (kind !== 'checkpoint' && kind !== 'state') continue
    if (!groups.get(id)?.topics.has(topic)) continue
    const partition = group(id).partition(topic, name)
    if (kind === 'state') {
      partition.state = (value as { state: string }).state
      continue
    }
    const { checkpoint, epoch, ended, owner } = value as StoredGroupPartition
    partition.checkpoint = checkpoint
    partition.epoch = epoch
    partition.ended = ended
    partition.owner = owner === null ? undefined : group(id).members.get(owner)
    partition.target = partition.owner?.id
  }
  return groups
}
