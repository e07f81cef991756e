import type { Clock } from './clock.ts'
import { type Lease, workerOf } from './lease.ts'
import { announcement, FAREWELL, type SeenLease } from './lease-view.ts'
import type { LeaseTable } from './tables/lease-table.ts'

export interface AnnouncerParts {
  readonly table: LeaseTable
  readonly clock: Clock
  readonly me: string
  readonly sessionMs: number
  readonly topics: readonly string[]
}

/**
 * Who has a lease is seen by that; a member without one says that it is there, for an even share and for those who ask. It does so on the first row of
 * the table, beside whatever that one is of, so that no row is foreign to KCL.
 */
export class Announcer {
  readonly #parts: AnnouncerParts
  #row: string | undefined
  #beats = 0
  #nextBeatAt = Number.NEGATIVE_INFINITY

  constructor(parts: AnnouncerParts) {
    this.#parts = parts
  }

  /** With the table as it was just seen. */
  async keep(isIdle: boolean, leases: readonly Lease[]): Promise<void> {
    const { table, clock, me, sessionMs, topics } = this.#parts
    const first = leases.reduce((least, { key }) => (least === '' || key < least ? key : least), '')
    const row = isIdle && first !== '' ? first : undefined
    if (this.#row !== row) await this.retire()
    const now = clock.now()
    if (row === undefined || (this.#row === row && now < this.#nextBeatAt)) return
    this.#row = row
    this.#nextBeatAt = now + sessionMs / 4
    await table.announce(row, me, announcement(++this.#beats, sessionMs, topics))
  }

  /**
   * Says on a row of each other member that this one has left: they renew their rows more often than they look at the table. KCL's workers look in
   * their own time.
   */
  async sayFarewell(leases: readonly SeenLease[]): Promise<void> {
    const { table, me, sessionMs } = this.#parts
    const rows = new Map<string, string>()
    for (const { lease, available } of leases) {
      const worker = workerOf(lease)
      if (worker !== undefined && worker !== me && !available && lease.sessionMs !== undefined)
        rows.set(worker, lease.key)
    }
    const time = { timeoutMs: Math.max(1_000, sessionMs) }
    await Promise.all(Array.from(rows.values(), (row) => table.announce(row, me, FAREWELL, time)))
  }

  async retire(): Promise<void> {
    const { table, me, sessionMs } = this.#parts
    const row = this.#row
    this.#row = undefined
    if (row !== undefined) await table.announce(row, me, null, { timeoutMs: Math.max(1_000, sessionMs) })
  }
}
