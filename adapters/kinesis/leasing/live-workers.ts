import type { Clock } from './clock.ts'
import { workerOf } from './lease.ts'
import { LeaseView } from './lease-view.ts'
import type { LeaseTable } from './tables/lease-table.ts'

const POLL_MS = 150
/** KCL's failover time, for workers that do not say their own. */
const UNKNOWN_SESSION_MS = 10_000
const NEVER = new AbortController().signal

/**
 * Who works for the group now. A row does not say whether its worker lives, so it is watched until it shows a sign of life or has been silent for all
 * of its session: at once where nobody is there, soon where somebody lives, and only as long as that for the dead.
 */
export async function liveWorkers(table: LeaseTable, clock: Clock): Promise<string[]> {
  const view = new LeaseView(UNKNOWN_SESSION_MS)
  const signs = new Map<string, string>()
  while (true) {
    const askedAt = clock.now()
    const leases = await table.list({ consistent: true })
    view.update(leases, askedAt, clock.now())
    const live = new Set<string>()
    let undecided = false
    const judge = (worker: string, what: string, sign: string, silent: boolean): void => {
      const before = signs.get(what)
      signs.set(what, sign)
      if (before !== undefined && before !== sign) live.add(worker)
      else if (!silent) undecided = true
    }
    for (const { lease, available } of view.leases) {
      const worker = workerOf(lease)
      if (worker !== undefined) judge(worker, `${lease.key} ${worker}`, String(lease.counter), available)
    }
    for (const { id, alive } of view.idle) {
      judge(id, id, leases.find(({ idle }) => id in idle)?.idle[id] ?? '', !alive)
    }
    if (live.size > 0 || !undecided) return [...live].sort()
    await clock.sleep(POLL_MS, NEVER)
  }
}
