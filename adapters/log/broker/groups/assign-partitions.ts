/** A member as the assignment sees it. */
export interface Candidate {
  readonly id: string
  /** Whether it may have that partition: it reads the topic and has not abandoned it. */
  accepts(partition: string): boolean
}

/**
 * An even and sticky assignment: who has a partition keeps it unless others have fewer by two or more; what nobody has goes
 * to the one with the fewest. The order of partitions and members decides ties, so equal inputs give equal results.
 * `current` tells who has a partition now (or is to have it), if anyone.
 */
export function assignPartitions(
  partitions: readonly string[],
  members: readonly Candidate[],
  current: (partition: string) => string | undefined,
): Map<string, string> {
  const held = new Map<string, Set<string>>(members.map((member) => [member.id, new Set()]))
  const byId = new Map(members.map((member) => [member.id, member]))
  const target = new Map<string, string>()
  const give = (partition: string, id: string): void => {
    const before = target.get(partition)
    if (before !== undefined) held.get(before)!.delete(partition)
    held.get(id)!.add(partition)
    target.set(partition, id)
  }
  const fewest = (partition: string): Candidate | undefined => {
    let best: Candidate | undefined
    for (const member of members) {
      if (!member.accepts(partition)) continue
      if (best === undefined || held.get(member.id)!.size < held.get(best.id)!.size) best = member
    }
    return best
  }

  const free: string[] = []
  for (const partition of partitions) {
    const owner = byId.get(current(partition) ?? '')
    if (owner?.accepts(partition)) give(partition, owner.id)
    else free.push(partition)
  }
  for (const partition of free) {
    const member = fewest(partition)
    if (member !== undefined) give(partition, member.id)
  }
  // Each move narrows the distance between two members, so this ends.
  for (let moved = true; moved; ) {
    moved = false
    for (const partition of partitions) {
      const owner = target.get(partition)
      if (owner === undefined) continue
      const member = fewest(partition)!
      if (held.get(owner)!.size - held.get(member.id)!.size < 2) continue
      give(partition, member.id)
      moved = true
    }
  }
  return target
}
