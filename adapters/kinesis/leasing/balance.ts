import { type Lease, workerOf } from './lease.ts'
import type { SeenLease } from './lease-view.ts'

export interface Standing {
  readonly me: string
  /** Those that may be read now and that this member may have. */
  readonly leases: readonly SeenLease[]
  /** Other live workers that hold none of these. */
  readonly idle: readonly string[]
  /** Left alone: gave-up shards. By key. */
  readonly refused: ReadonlySet<string>
  /** What has been free for so long is taken by anyone, whatever is fair. Milliseconds. */
  readonly patienceMs: number
  /** A promised lease that is not given within this is taken by force. Milliseconds. */
  readonly promiseMs: number
  /** From 0 to below 1. */
  readonly random: () => number
}

export interface Plan {
  /** Free ones, and promised ones that are due. */
  readonly take: readonly Lease[]
  /** To be asked of their worker. */
  readonly ask: readonly Lease[]
  /** Something is under way, or free and left to others: look again soon. */
  readonly unsettled: boolean
}

/**
 * KCL's way of sharing leases, as version 2 has it: everybody takes up to an even share of what is free, and then asks the one with the most for some. One at
 * a time there; here half of what is missing, so that many shards are spread in a few rounds. The first by key are asked for, so that
 * members who want the same thing find out at once.
 */
export function planTakes(standing: Standing): Plan {
  const { me, leases, refused } = standing
  const free: SeenLease[] = []
  const due: Lease[] = []
  const counts = new Map<string, number>([[me, 0]])
  for (const id of standing.idle) counts.set(id, 0)
  let promised = 0
  for (const seen of leases) {
    const { lease } = seen
    if (seen.available) {
      // What is mine and silent was given to me and not yet noticed.
      if (!refused.has(lease.key)) free.push(seen)
      continue
    }
    const owner = lease.owner ?? workerOf(lease)!
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
    if (owner !== me || lease.checkpointOwner === undefined || lease.checkpointOwner === me) continue
    if (seen.promisedMs > standing.promiseMs) due.push(lease)
    else promised++
  }
  const share = Math.ceil(leases.length / counts.size)
  const mine = counts.get(me)!
  let missing = Math.max(0, share - mine)
  shuffle(free, standing.random)
  const take = [...due]
  let left = 0
  for (const seen of free) {
    if (missing > 0) missing--
    else if (seen.freeMs < standing.patienceMs) {
      left++
      continue
    }
    take.push(seen.lease)
  }
  const ask = free.length === 0 && promised === 0 ? wanted(standing, counts, share, missing) : []
  return { take, ask, unsettled: promised > 0 || left > 0 || ask.length > 0 || take.length > 0 }
}

function wanted(
  { me, leases, refused }: Standing,
  counts: ReadonlyMap<string, number>,
  share: number,
  missing: number,
): Lease[] {
  const others = [...counts].filter(([id]) => id !== me)
  const [richest, most] = others.reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0])
  const over = most - share
  // Two below the share while another has just it: then one more is fair.
  const fair = over > 0 ? Math.min(missing, over) : missing > 1 && over === 0 ? 1 : 0
  if (fair <= 0) return []
  return leases
    .filter(({ lease, available }) => !available && workerOf(lease) === richest && lease.owner === richest)
    .filter(({ lease }) => !refused.has(lease.key))
    .map(({ lease }) => lease)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, Math.ceil(fair / 2))
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
}
