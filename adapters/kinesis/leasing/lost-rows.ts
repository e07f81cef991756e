import { inParallel } from './in-parallel.ts'
import { isEnded, type Lease, workerOf } from './lease.ts'
import type { LeaseTable } from './tables/lease-table.ts'

const WIDTH = 16

/**
 * Rows that are gone though nobody removes such: the table was deleted, or somebody tidied it up by hand. They are made again of what is known of them, by the member
 * that had the lease at once, by the others when that one had the time to do so. Counters go on, so that no epoch comes twice.
 */
export class LostRows {
  readonly #table: LeaseTable
  readonly #patienceMs: number
  readonly #missing = new Map<string, { readonly lease: Lease; readonly since: number }>()
  readonly #own = new Map<string, Lease>()

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
    const there = new Set(leases.map(({ key }) => key))
    const shards = new Set(leases.map(shardOf))
    // Under another name: members had named them both ways at once, and agreed.
    for (const [key, { lease }] of this.#missing) if (shards.has(shardOf(lease))) this.#missing.delete(key)
    for (const lease of before) {
      // What is done may be removed at any time.
      if (there.has(lease.key) || isEnded(lease) || this.#missing.has(lease.key)) continue
      if (shards.has(shardOf(lease))) continue
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

const shardOf = ({ stream, shard }: Lease): string => `${stream} ${shard}`
