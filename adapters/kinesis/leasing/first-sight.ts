import { type From, StreamError } from '../../../src/driver.ts'
import type { ResumePoint } from '../positions.ts'
import type { Shard, ShardMap } from '../shards/stream-catalog.ts'
import { inParallel } from './in-parallel.ts'
import { type Lease, newLease } from './lease.ts'
import { byShard } from './lineage.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import type { TopicKeys } from './topic-keys.ts'

const WIDTH = 16

export interface FirstSight {
  readonly table: LeaseTable
  readonly group: string
  readonly map: ShardMap
  readonly keys: TopicKeys
  /** Plain (`plainFrom`). */
  readonly from: From
  /** Where a shard is begun; asked for those only that are due a lease. */
  readonly findStart: (shard: Shard, from: From) => Promise<ResumePoint>
}

/** The lease of a shard as it is created. */
export function leaseOf(
  shard: Shard,
  { keys, group, checkpoint }: { keys: TopicKeys; group: string; checkpoint: ResumePoint },
): Lease {
  return newLease({
    key: keys.keyOf(shard.id),
    shard: shard.id,
    stream: keys.stream,
    group,
    checkpoint,
    parents: shard.parents,
    hashRange: { from: String(shard.from), to: String(shard.to) },
  })
}

/**
 * The group sees a topic for the first time: leases for all shards that exist, at `from`. The first of them bears a note until all are
 * there; a member that finds it (the one that wrote it may have died) does what is missing. Resolves false when another member has meanwhile
 * taken these keys for another topic: look again.
 */
export async function seeTopic(sight: FirstSight, leases: readonly Lease[]): Promise<boolean> {
  const { table, group, map, keys } = sight
  const own = leases.filter((lease) => keys.owns(lease))
  const noted = own.find(({ firstSight }) => firstSight !== undefined)
  if (own.length > 0 && noted === undefined) return true
  const from = noted?.firstSight ?? sight.from
  const due = dueAtFirst(map, own, from)
  let note = noted
  const [first] = due
  if (note === undefined && first !== undefined) {
    const checkpoint = await sight.findStart(first, from)
    note = { ...leaseOf(first, { keys, group, checkpoint }), firstSight: from }
    if (!(await table.create(note))) {
      const there = await table.get(note.key)
      if (there === undefined || !keys.owns(there)) return false
      if (there.firstSight === undefined) return true
    }
  }
  await inParallel(due.slice(noted === undefined ? 1 : 0), WIDTH, async (shard) => {
    const checkpoint = await sight.findStart(shard, from)
    await table.create(leaseOf(shard, { keys, group, checkpoint }))
  })
  if (note !== undefined) await table.update(note, {}, { firstSightDone: true })
  return true
}

/** Parents first. At the end of a closed shard nothing is to be read, so `latest` leaves those out. */
function dueAtFirst(map: ShardMap, own: readonly Lease[], from: From): Shard[] {
  const shards = from === 'latest' ? map.shards.filter(({ open }) => open) : [...map.shards]
  if (typeof from === 'object' && !('timestamp' in from) && shards.length > 1) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `a position is of one partition, and '${map.stream}' has ${shards.length}: begin at earliest, latest or { timestamp }, or move one partition with seekGroup`,
      { topic: map.stream },
    )
  }
  const leased = byShard(own)
  const covered = (shard: Shard): boolean =>
    leased.has(shard.id) || shard.children.some((id) => covered(map.shard(id)!))
  return shards.filter((shard) => !covered(shard))
}
