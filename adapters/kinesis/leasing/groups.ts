import {
  type DriverGroups,
  type From,
  type GroupDescription,
  type GroupPartitionDescription,
  StreamError,
} from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { formatCheckpoint, formatPosition, type ResumePoint } from '../positions.ts'
import { retrying } from '../service/retrying.ts'
import type { Shard } from '../shards/stream-catalog.ts'
import { monotonicClock } from './clock.ts'
import { findLag } from './find-lag.ts'
import { findStart } from './find-start.ts'
import { leaseOf } from './first-sight.ts'
import { inParallel } from './in-parallel.ts'
import { isEnded, type Lease, workerOf } from './lease.ts'
import type { LeaseStores } from './lease-stores.ts'
import { FAREWELL } from './lease-view.ts'
import { byShard, isReadable } from './lineage.ts'
import { liveWorkers } from './live-workers.ts'
import { plainFrom } from './plain-from.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import { type TopicKeys, topicKeys } from './topic-keys.ts'

const WIDTH = 16
const PATIENCE_MS = 20_000
/** How often a live member may be faster with a row that is moved by force. */
const ATTEMPTS = 50
const MADE_ID = /^(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The groups that keep leases here, for administration: millrace's, and KCL applications. */
export class KinesisGroups implements DriverGroups {
  readonly #kinesis: Kinesis
  readonly #stores: LeaseStores

  constructor(kinesis: Kinesis, stores: LeaseStores) {
    this.#kinesis = kinesis
    this.#stores = stores
  }

  listGroups(): Promise<string[]> {
    return patiently(() => this.#stores.listGroups())
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const leases = await this.#leases(group, this.#stores.table(group))
    if (leases.length === 0) throw notFound(group)
    const topicOf = await this.#topics(leases)
    const known = leases.flatMap((lease) => {
      const topic = topicOf(lease)
      return topic === undefined ? [] : [{ topic, lease }]
    })
    known.sort((a, b) => compare(a.topic, b.topic) || compare(a.lease.shard, b.lease.shard))
    const partitions = await inParallel(
      known,
      WIDTH,
      async ({ topic, lease }): Promise<GroupPartitionDescription> => {
        const millis = await findLag(this.#kinesis, topic, lease.shard, lease.checkpoint)
        return {
          topic,
          partition: lease.shard,
          checkpoint: formatCheckpoint(lease.checkpoint),
          position: positionOf(lease.checkpoint),
          lag: millis === undefined ? {} : { millis },
          owner: workerOf(lease) ?? null,
          ended: isEnded(lease),
          state: lease.state,
        }
      },
    )
    const idle = leases.flatMap(({ idle }) => Object.keys(idle).filter((id) => idle[id] !== FAREWELL))
    const workers = new Set([...leases.flatMap((lease) => workerOf(lease) ?? []), ...idle])
    return {
      group,
      state: workers.size === 0 ? 'empty' : isUnsettled(leases) ? 'rebalancing' : 'stable',
      members: [...workers].sort().map((memberId) => ({
        memberId,
        clientId: MADE_ID.exec(memberId)?.[1] ?? memberId,
        assignments: partitions
          .filter(({ owner }) => owner === memberId)
          .map(({ topic, partition }) => ({ topic, partition })),
      })),
      partitions,
    }
  }

  async seekGroup(
    group: string,
    topic: string,
    to: From,
    { partition, force = false }: { readonly partition?: string; readonly force?: boolean },
  ): Promise<void> {
    const from = plainFrom(to)
    const map = await this.#kinesis.streams.shards(topic, { maxAgeMs: 0 })
    const chosen = partition === undefined ? map.shards : map.shards.filter(({ id }) => id === partition)
    if (chosen.length === 0) {
      throw new StreamError(
        'NOT_FOUND',
        `topic '${topic}' has no partition '${partition}': see its description`,
        { topic, partition },
      )
    }
    if (typeof from === 'object' && !('timestamp' in from) && chosen.length > 1) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a position is of one partition, and '${topic}' has ${chosen.length}: name the partition it is of`,
        { topic },
      )
    }
    const table = this.#stores.table(group)
    const leases = await this.#leases(group, table, true)
    if (!force)
      await this.#refuseWhileLive(group, table, 'stop them, seek through one of them, or seek with force')
    const keys = topicKeys(map, leases, true)
    const own = byShard(leases.filter((lease) => keys.owns(lease)))
    const points = new Map(
      await inParallel(chosen, WIDTH, async (shard) => {
        const point = await findStart(this.#kinesis, topic, shard, from)
        return [shard.id, point] as const
      }),
    )
    const isSeen = own.size > 0
    await inParallel(map.shards, WIDTH, async (shard) => {
      const point = points.get(shard.id)
      if (point !== undefined) await this.#move(table, { group, keys, shard, point }, own.get(shard.id))
      // The topic counts as seen: what is not sought begins at its beginning.
      else if (!isSeen) await table.create(leaseOf(shard, { keys, group, checkpoint: { kind: 'earliest' } }))
    })
    if (partition !== undefined) return
    // What retention has taken cannot be gone back to.
    for (const lease of own.values()) if (map.shard(lease.shard) === undefined) await table.delete(lease.key)
  }

  async deleteGroup(group: string): Promise<void> {
    const table = this.#stores.table(group)
    const leases = await this.#leases(group, table)
    if (leases.length === 0) throw notFound(group)
    await this.#refuseWhileLive(group, table, 'stop them first')
    await patiently(() => table.destroy())
  }

  /** NOT_FOUND where there is no such table, or it is another group's; `created`: then it is made, or refused. */
  async #leases(group: string, table: LeaseTable, created = false): Promise<Lease[]> {
    let leases: Lease[]
    try {
      leases = await patiently(() => table.list({ consistent: true }))
    } catch (error) {
      if (!(error instanceof StreamError) || error.code !== 'NOT_FOUND') throw error
      if (!created) throw notFound(group)
      await table.prepare()
      return []
    }
    const other = leases.find((lease) => lease.group !== undefined && lease.group !== group)?.group
    if (other === undefined) return leases
    if (!created) throw notFound(group)
    throw new StreamError(
      'INVALID_ARGUMENT',
      `the lease table '${table.name}' is that of group '${other}', and one table serves one group: name another by leases=TABLE`,
    )
  }

  async #refuseWhileLive(group: string, table: LeaseTable, remedy: string): Promise<void> {
    const live = await patiently(() => liveWorkers(table, monotonicClock))
    if (live.length === 0) return
    throw new StreamError('FENCED', `group '${group}' has live members (${live.join(', ')}): ${remedy}`)
  }

  /** Whoever has it loses it, as the counter goes on without that one. */
  async #move(
    table: LeaseTable,
    { group, keys, shard, point }: { group: string; keys: TopicKeys; shard: Shard; point: ResumePoint },
    known: Lease | undefined,
  ): Promise<void> {
    let lease = known
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (lease === undefined) {
        if (await table.create(leaseOf(shard, { keys, group, checkpoint: point }))) return
        lease = await table.get(keys.keyOf(shard.id))
        continue
      }
      const change = {
        counter: lease.counter + 1,
        owner: null,
        checkpointOwner: null,
        checkpoint: point,
        state: null,
      }
      const outcome = await table.update(lease, { counter: lease.counter }, change)
      if (outcome.done) return
      lease = outcome.lease
    }
    throw new StreamError(
      'UNAVAILABLE',
      `${keys.topic}/${shard.id} changes all the time: stop the members of group '${group}' and try again`,
      { topic: keys.topic, partition: shard.id },
    )
  }

  /** Leases of a KCL application of one stream do not say of which: those of a stream that is gone are left out with them. */
  async #topics(leases: readonly Lease[]): Promise<(lease: Lease) => string | undefined> {
    const names = new Set(leases.flatMap(({ stream }) => stream?.split(':')[1] ?? []))
    const keys: TopicKeys[] = []
    for (const name of names) {
      try {
        const map = await this.#kinesis.streams.shards(name)
        keys.push(topicKeys(map, leases, true))
      } catch (error) {
        if (!(error instanceof StreamError) || error.code !== 'NOT_FOUND') throw error
      }
    }
    return (lease) => keys.find((each) => each.owns(lease))?.topic
  }
}

const patiently = <T>(attempt: () => Promise<T>): Promise<T> =>
  retrying(attempt, { deadline: performance.now() + PATIENCE_MS })

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const positionOf = (point: ResumePoint): string | null =>
  point.kind === 'after' ? formatPosition(point.sequence, Math.max(0, point.sub)) : null

function isUnsettled(leases: readonly Lease[]): boolean {
  const shards = new Map<string | undefined, Lease[]>()
  for (const lease of leases) shards.set(lease.stream, [...(shards.get(lease.stream) ?? []), lease])
  return leases.some((lease) => {
    if (lease.checkpointOwner !== undefined) return true
    return lease.owner === undefined && isReadable(lease, byShard(shards.get(lease.stream)!))
  })
}

function notFound(group: string): StreamError {
  return new StreamError(
    'NOT_FOUND',
    `there is no group '${group}': look at its name, or let a member join it`,
  )
}
