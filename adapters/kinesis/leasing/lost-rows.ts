import { inParallel } from './in-parallel.ts'
import { hasBegun, isEnded, type Lease, workerOf } from './lease.ts'
import type { LeaseTable } from './tables/lease-table.ts'

const WIDTH = 16
/** Sessions. A member looks at the table more often than that, unless it stood still or the table could not be reached. */
const STALE_AFTER = 3

/**
 * Rows that are gone though nobody removes such: the table was deleted, or somebody tidied it up by hand. They are made again of what is known of them, by the member
 * that had the lease at once, by the others when that one had the time to do so. Counters go on, so that no epoch comes twice. A row that was done
 * since the last look is none of them, though this member never saw it so: made again, its records would come behind those that follow them.
 */
export class LostRows {
  readonly #table: LeaseTable
  /** Of one session. */
  readonly #patienceMs: number
  readonly #missing = new Map<string, { readonly lease: Lease; readonly since: number }>()
  readonly #own = new Map<string, Lease>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(table: LeaseTable, patienceMs: number) {
    this.#table = table
    this.#patienceMs = patienceMs
  }

  /** The row as this member last wrote it. */
  noteOwn(lease: Lease): void {
    this.#own.set(lease.key, lease)
  }

  /** Of these some are missed now. */
  some(test: (lease: Lease) => boolean): boolean {
    return [...this.#missing.values()].some(({ lease }) => test(lease))
  }

  /** Compares two looks at the table. `now`: of the second. */
  async restore(before: readonly Lease[], leases: readonly Lease[], now: number): Promise<void> {
    for (const row of leases) {
      this.#missing.delete(row.key)
      const own = this.#own.get(row.key)
      if (own !== undefined && (row.counter > own.counter || workerOf(row) !== workerOf(own))) {
        this.#own.delete(row.key)
      }
    }
    const isLate = now - this.#lookedAt > STALE_AFTER * this.#patienceMs
    this.#lookedAt = now
    const streams = new Set(leases.map(({ stream }) => stream))
    const shards = new Set(leases.map(shardOf))
    const continued = shardsBefore([...before, ...leases])
    const isExplained = (lease: Lease): boolean => {
      // Under another name: members had named them both ways at once, and agreed.
      if (shards.has(shardOf(lease)) || continued.has(shardOf(lease))) return true
      // So much may have happened since that last look. What is open is there, unless all of the topic is gone.
      return isLate && streams.has(lease.stream)
    }
    for (const [key, { lease }] of this.#missing) if (isExplained(lease)) this.#missing.delete(key)
    for (const lease of before) {
      // What is done may be removed at any time.
      if (isEnded(lease) || this.#missing.has(lease.key) || isExplained(lease)) continue
      this.#missing.set(lease.key, { lease, since: now })
    }
    const due = [...this.#missing].filter(
      ([key, { since }]) => this.#own.has(key) || now - since > this.#patienceMs,
    )
    await inParallel(due, WIDTH, async ([key, { lease }]) => {
      const known = this.#own.get(key) ?? lease
      await this.#table.create({
        ...known,
        owner: undefined,
        checkpointOwner: undefined,
        counter: known.counter + 2,
        firstSight: undefined,
        idle: {},
      })
      this.#missing.delete(key)
      this.#own.delete(key)
    })
  }
}

const shardOf = ({ stream, shard }: Pick<Lease, 'stream' | 'shard'>): string => `${stream} ${shard}`

/** Shards that were done, since work has begun on what continues them. */
function shardsBefore(leases: readonly Lease[]): Set<string> {
  const parentsOf = new Map(leases.map((lease) => [shardOf(lease), lease]))
  const found = new Set<string>()
  const climb = ({ stream, parents }: Lease): void => {
    for (const shard of parents) {
      const name = shardOf({ stream, shard })
      if (found.has(name)) continue
      found.add(name)
      const parent = parentsOf.get(name)
      if (parent !== undefined) climb(parent)
    }
  }
  for (const lease of leases) if (hasBegun(lease)) climb(lease)
  return found
}
