import { type From, StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import type { ResumePoint } from '../positions.ts'
import type { Shard } from '../shards/stream-catalog.ts'
import { seeTopic } from './first-sight.ts'
import type { Lease } from './lease.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import { type TopicKeys, topicKeys } from './topic-keys.ts'

const ROUNDS = 20

export interface Sight {
  readonly kinesis: Kinesis
  readonly table: LeaseTable
  readonly group: string
  readonly topics: readonly string[]
  /** Plain (`plainFrom`). */
  readonly from: From
  readonly findStart: (topic: string, shard: Shard, from: From) => Promise<ResumePoint>
}

/**
 * How the topics' leases are named in the group's table, which is created where there is none; topics that the group has not seen yet are begun at `from`.
 * Rejects NOT_FOUND for a topic, INVALID_ARGUMENT for a table of another group.
 */
export async function seeTopics(sight: Sight): Promise<TopicKeys[]> {
  const { kinesis, table, group, topics } = sight
  const names = [...new Set(topics)]
  const maps = await Promise.all(names.map((topic) => kinesis.streams.shards(topic, { maxAgeMs: 0 })))
  await existing(table)
  for (let round = 0; round < ROUNDS; round++) {
    const leases = await table.list({ consistent: true })
    refuseOthers(leases, table, group)
    const keys: TopicKeys[] = []
    // One after the other: the first may decide how the next are named.
    for (const map of maps) {
      const its = topicKeys(map, leases, names.length === 1)
      for (const { key, counter } of leases.filter((lease) => its.isOutdated(lease))) {
        await table.delete(key, { counter })
      }
      const findStart = (shard: Shard, from: From): Promise<ResumePoint> =>
        sight.findStart(map.stream, shard, from)
      const seen = await seeTopic({ table, group, map, keys: its, from: sight.from, findStart }, leases)
      if (!seen) break
      keys.push(its)
    }
    if (keys.length === maps.length && (await haveOneName(table, keys))) return keys
  }
  throw new StreamError(
    'UNAVAILABLE',
    `the lease table '${table.name}' changes all the time under group '${group}': try again`,
  )
}

/**
 * Two members of different topics may have named a topic's leases both ways at once. Whoever comes second sees it, before it works on any: those
 * that nobody works on are taken back, the bare ones last.
 */
async function haveOneName(table: LeaseTable, topics: readonly TopicKeys[]): Promise<boolean> {
  const leases = await table.list({ consistent: true })
  let agreed = true
  for (const { stream } of topics) {
    const [bare, multi] = [true, false].map((isBare) =>
      leases.filter((lease) => lease.stream === stream && (lease.key === lease.shard) === isBare),
    ) as [Lease[], Lease[]]
    if (bare.length === 0 || multi.length === 0) continue
    agreed = false
    for (const { key, counter } of multi.some(isWorkedOn) ? bare : multi) {
      if (counter === 0) await table.delete(key, { counter })
    }
  }
  return agreed
}

const isWorkedOn = ({ counter }: Lease): boolean => counter > 0

async function existing(table: LeaseTable): Promise<void> {
  try {
    await table.list()
  } catch (error) {
    if (!(error instanceof StreamError) || error.code !== 'NOT_FOUND') throw error
    await table.prepare()
  }
}

function refuseOthers(leases: readonly Lease[], table: LeaseTable, group: string): void {
  const other = leases.find((lease) => lease.group !== undefined && lease.group !== group)?.group
  if (other === undefined) return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `the lease table '${table.name}' is that of group '${other}', and one table serves one group: give '${group}' another by leases=TABLE, or leave leases out`,
  )
}
