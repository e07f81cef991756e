import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { Subscription } from './consumer-protocol.ts'

export interface Candidate {
  readonly memberId: string
  readonly subscription: Subscription
}

interface Load {
  readonly candidate: Candidate
  readonly topics: ReadonlySet<string>
  readonly refused: ReadonlySet<string>
  readonly given: Map<string, TopicPartition>
}

/**
 * Who is to have which partition: what is owned stays where that is fair, shares of those with the same topics differ by one
 * at most, and what somebody else still owns is given to nobody until its owner has let go of it (KIP-429). The same input
 * gives the same answer.
 */
export function assignPartitions(
  candidates: readonly Candidate[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const loads = candidates
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((candidate): Load => {
      const { topics, refused } = candidate.subscription
      return { candidate, topics: new Set(topics), refused: new Set(refused.map(keyOf)), given: new Map() }
    })
  const owners = ownersOf(loads)
  const free: TopicPartition[] = []
  for (const partition of partitions) {
    const owner = owners.get(keyOf(partition))
    if (owner !== undefined && takes(owner, partition)) owner.given.set(keyOf(partition), partition)
    else free.push(partition)
  }
  for (const partition of free) leastLoaded(loads, partition)?.given.set(keyOf(partition), partition)
  balance(loads, owners)
  return new Map(
    loads.map((load) => [
      load.candidate.memberId,
      [...load.given.values()].filter((partition) => {
        const owner = owners.get(keyOf(partition))
        return owner === undefined || owner === load
      }),
    ]),
  )
}

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

const takes = (load: Load, partition: TopicPartition): boolean =>
  load.topics.has(partition.topic) && !load.refused.has(keyOf(partition))

/** Of two who claim the same partition the one with the newer generation has it: the other one's claim is from before. */
function ownersOf(loads: readonly Load[]): Map<string, Load> {
  const owners = new Map<string, Load>()
  for (const load of loads) {
    const { owned, generation } = load.candidate.subscription
    for (const partition of owned) {
      const rival = owners.get(keyOf(partition))
      if (rival === undefined || rival.candidate.subscription.generation < generation) {
        owners.set(keyOf(partition), load)
      }
    }
  }
  return owners
}

function leastLoaded(loads: readonly Load[], partition: TopicPartition): Load | undefined {
  let least: Load | undefined
  for (const load of loads) {
    if (!takes(load, partition)) continue
    if (least === undefined || load.given.size < least.given.size) least = load
  }
  return least
}

/** Moves partitions from those who have more to those who have at least two fewer, until there are none; new ones first. */
function balance(loads: readonly Load[], owners: ReadonlyMap<string, Load>): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const from of loads.toSorted((a, b) => b.given.size - a.given.size)) {
      const settled = ({ 1: partition }: [string, TopicPartition]) =>
        owners.get(keyOf(partition)) === from ? 1 : 0
      for (const [key, partition] of [...from.given].sort((a, b) => settled(a) - settled(b))) {
        const to = leastLoaded(loads, partition)
        if (to === undefined || to === from || to.given.size + 1 >= from.given.size) continue
        from.given.delete(key)
        to.given.set(key, partition)
        moved = true
      }
    }
  }
}
