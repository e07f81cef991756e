import type { Shard, ShardMap } from '../shards/stream-catalog.ts'
import { hasBegun, isEnded, type Lease } from './lease.ts'

/** One topic's leases by shard. */
export type ByShard = ReadonlyMap<string, Lease>

export const byShard = (leases: readonly Lease[]): Map<string, Lease> =>
  new Map(leases.map((lease) => [lease.shard, lease]))

/** May be worked on: not done, and everything it continues is done. A parent without a lease does not block, as with KCL. */
export function isReadable(lease: Lease, leases: ByShard): boolean {
  return !isEnded(lease) && ancestorsAreDone(lease, leases, new Set())
}

/** An ended parent may stand on one that is not: then it was done with by a seek, and not in order. */
function ancestorsAreDone({ parents }: Lease, leases: ByShard, seen: Set<string>): boolean {
  return parents.every((id) => {
    const parent = leases.get(id)
    if (parent === undefined || seen.has(id)) return true
    seen.add(id)
    return isEnded(parent) && ancestorsAreDone(parent, leases, seen)
  })
}

/** States of the nearest ancestors that have one; none where the lease has one itself. */
export function inheritedStates(lease: Lease, leases: ByShard): Uint8Array[] {
  if (lease.state !== null) return []
  const states = new Map<string, Uint8Array>()
  const seen = new Set<string>()
  const collect = ({ parents }: Lease): void => {
    for (const id of parents) {
      const parent = leases.get(id)
      if (parent === undefined || seen.has(id)) continue
      seen.add(id)
      if (parent.state === null) collect(parent)
      else states.set(id, parent.state)
    }
  }
  collect(lease)
  return [...states.values()]
}

/**
 * Shards that are due a lease at their beginning, parents first: children of those that are done, and whatever is open and continues nothing
 * that has a lease. Nothing above a lease is ever due one: that was before the group.
 */
export function dueShards(map: ShardMap, leases: ByShard): Shard[] {
  const below = new Set<string>()
  const markAncestors = (id: string): void => {
    for (const parent of map.shard(id)?.parents ?? leases.get(id)?.parents ?? []) {
      if (below.has(parent)) continue
      below.add(parent)
      markAncestors(parent)
    }
  }
  for (const id of leases.keys()) markAncestors(id)
  const isUnder = new Map<string, boolean>()
  const hasLeasedAncestor = (shard: Shard): boolean => {
    let known = isUnder.get(shard.id)
    if (known === undefined) {
      known = shard.parents.some((id) => {
        const parent = map.shard(id)
        return leases.has(id) || (parent !== undefined && hasLeasedAncestor(parent))
      })
      isUnder.set(shard.id, known)
    }
    return known
  }
  return map.shards.filter((shard) => {
    if (leases.has(shard.id) || below.has(shard.id)) return false
    if (shard.parents.some((id) => leases.has(id))) {
      // Either parent of two may be the first that is done: the child is not readable before both are. One that has no lease yet, being itself
      // the child of what is not done, comes first: below a lease it would never be due one.
      const parents = shard.parents.map((id) => leases.get(id))
      return parents.every((it) => it !== undefined) && parents.some((it) => isEnded(it!))
    }
    return !hasLeasedAncestor(shard) && shard.parents.every((id) => below.has(id))
  })
}

/**
 * Leases that are of no more use, as KCL judges it: done, nothing above them is left, and work on every child has begun (its state, where there is one,
 * has been passed on); or done, and no longer in the stream.
 */
export function spentLeases(map: ShardMap, leases: ByShard): Lease[] {
  return [...leases.values()].filter((lease) => {
    if (!isEnded(lease)) return false
    if (lease.parents.some((id) => leases.has(id))) return false
    const shard = map.shard(lease.shard)
    const children = shard?.children ?? lease.children
    if (shard !== undefined && children.length === 0) return false
    return children.every((id) => {
      const child = leases.get(id)
      if (child === undefined) return shard === undefined && map.shard(id) === undefined
      return hasBegun(child) && (lease.state === null || child.state !== null || isEnded(child))
    })
  })
}
