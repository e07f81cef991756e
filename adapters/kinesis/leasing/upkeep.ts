import { StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import type { Clock } from './clock.ts'
import { isEnded, workerOf } from './lease.ts'
import type { LeaseView } from './lease-view.ts'
import { maintain } from './maintenance.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import { streamIdentifier, type TopicKeys } from './topic-keys.ts'

export interface UpkeepParts {
  readonly kinesis: Kinesis
  readonly table: LeaseTable
  readonly clock: Clock
  readonly random: () => number
  readonly group: string
  readonly me: string
  readonly sessionMs: number
}

/** Sessions between two rounds. */
const EVERY = 12

/** The regular upkeep of a group's table, by one of its members; and for all of them the news that a topic is gone. */
export class Upkeep {
  readonly #parts: UpkeepParts
  #lastAt: number
  #nextAt: number

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.#lastAt = parts.clock.now()
    this.#nextAt = this.#lastAt + EVERY * parts.sessionMs
  }

  /** Does what is due. Rejects NOT_FOUND for a topic. */
  async keep(topics: readonly TopicKeys[], view: LeaseView): Promise<void> {
    const { kinesis, table, clock, random, group, me, sessionMs } = this.#parts
    const now = clock.now()
    if (now < this.#nextAt && !(now >= this.#lastAt + sessionMs && childrenAreMissing(topics, view))) return
    this.#lastAt = now
    this.#nextAt = now + EVERY * sessionMs * (0.9 + 0.2 * random())
    let didSome = false
    for (const keys of topics) {
      const map = await kinesis.streams.shards(keys.topic, { maxAgeMs: sessionMs })
      if (streamIdentifier(map) !== keys.stream) throw madeAnew(keys.topic)
      if (firstOf(keys, view, me) !== me) continue
      didSome = true
      await maintain({ table, group, map, keys })
    }
    if (!didSome) return
    for (const { id, row, alive } of view.idle) if (!alive) await table.announce(row, id, null)
  }
}

/** Who looks after a topic: the first of the members that are seen to read it. KCL's workers do so in their own way. */
function firstOf(keys: TopicKeys, view: LeaseView, me: string): string {
  const workers = view.leases.flatMap(({ lease, available }) =>
    available || lease.sessionMs === undefined || !keys.owns(lease) ? [] : [workerOf(lease)!],
  )
  const idle = view.idle
    .filter(({ alive, topics }) => alive && topics.includes(keys.topic))
    .map(({ id }) => id)
  return [...workers, ...idle, me].sort()[0]!
}

/** A lease that ended without its children being there: its member died in between, or the service was late to tell of them. */
function childrenAreMissing(topics: readonly TopicKeys[], view: LeaseView): boolean {
  const there = new Set(view.leases.map(({ lease }) => `${lease.stream} ${lease.shard}`))
  return view.leases.some(
    ({ lease }) =>
      isEnded(lease) &&
      topics.some((topic) => topic.owns(lease)) &&
      lease.children.some((id) => !there.has(`${lease.stream} ${id}`)),
  )
}

const madeAnew = (topic: string): StreamError =>
  new StreamError(
    'NOT_FOUND',
    `stream '${topic}' was deleted, and another one created under its name: join the group anew to read that`,
    { topic },
  )
