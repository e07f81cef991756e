import type { Lease } from './lease.ts'
import type { CallTime, LeaseTable } from './tables/lease-table.ts'

/** Takes a lease as it was seen, be it nobody's, given to this member, or another's by force. The row, or undefined where another was faster. */
export async function takeLease(
  table: LeaseTable,
  lease: Lease,
  me: string,
  sessionMs: number,
  time: CallTime,
): Promise<Lease | undefined> {
  const counter = lease.counter + 1
  const wasOthers = lease.owner !== undefined && (lease.owner !== me || lease.checkpointOwner !== undefined)
  const { done, lease: row } = await table.update(
    lease,
    { counter: lease.counter },
    { counter, owner: me, checkpointOwner: null, sessionMs, ...(wasOthers ? { switched: true } : {}) },
    time,
  )
  // Done by an attempt whose answer was lost: nobody else writes this member's id.
  const isMine = done || (row?.owner === me && row.checkpointOwner === undefined && row.counter === counter)
  return isMine ? row : undefined
}

/** KCL's graceful hand-off: the one who has it gives it when it has drained. False: another was faster. */
export async function askForLease(
  table: LeaseTable,
  lease: Lease,
  me: string,
  time: CallTime,
): Promise<boolean> {
  const owner = lease.owner!
  const { done } = await table.update(
    lease,
    { owner, checkpointOwner: null },
    { owner: me, checkpointOwner: owner },
    time,
  )
  return done
}
