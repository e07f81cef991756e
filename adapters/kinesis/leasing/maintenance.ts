import type { ShardMap } from '../shards/stream-catalog.ts'
import { leaseOf } from './first-sight.ts'
import { inParallel } from './in-parallel.ts'
import { type ByShard, byShard, dueShards, spentLeases } from './lineage.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import type { TopicKeys } from './topic-keys.ts'

const WIDTH = 16

export interface TopicTable {
  readonly table: LeaseTable
  readonly group: string
  readonly map: ShardMap
  readonly keys: TopicKeys
}

/** Leases at their beginning for shards that are due one. */
export async function createDue({ table, group, map, keys }: TopicTable, leases: ByShard): Promise<void> {
  await inParallel(dueShards(map, leases), WIDTH, (shard) =>
    table.create(leaseOf(shard, { keys, group, checkpoint: { kind: 'earliest' } })),
  )
}

/** What keeps a topic's leases in step with its shards, however it came that they are not. Reads the table anew. */
export async function maintain(upkeep: TopicTable): Promise<void> {
  const { table, map, keys } = upkeep
  const leases = await table.list({ consistent: true })
  const own = leases.filter((lease) => keys.owns(lease))
  // A first sight is finished by members that join, who know where a shard is to be begun.
  if (own.length > 0 && own.every(({ firstSight }) => firstSight === undefined)) {
    await createDue(upkeep, byShard(own))
    for (const { key, counter } of spentLeases(map, byShard(own))) await table.delete(key, { counter })
  }
  for (const { key, counter } of leases.filter((lease) => keys.isOutdated(lease))) {
    await table.delete(key, { counter })
  }
}
