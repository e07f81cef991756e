import { type Lease, workerOf } from '../lease.ts'
import type { LeaseChange, LeaseCondition } from './lease-table.ts'

/** Whether a row meets a condition. */
export function meets(lease: Lease, condition: LeaseCondition): boolean {
  const { counter, owner, checkpointOwner, worker } = condition
  return (
    (counter === undefined || lease.counter === counter) &&
    (owner === undefined || (lease.owner ?? null) === owner) &&
    (checkpointOwner === undefined || (lease.checkpointOwner ?? null) === checkpointOwner) &&
    (worker === undefined || workerOf(lease) === worker)
  )
}

/** The row after a change. */
export function applyChange(lease: Lease, change: LeaseChange): Lease {
  const { counter, owner, checkpointOwner, checkpoint, switched, children, state, sessionMs } = change
  const orAbsent = (name: string | null): string | undefined => name ?? undefined
  return {
    ...lease,
    ...(counter === undefined ? {} : { counter }),
    ...(owner === undefined ? {} : { owner: orAbsent(owner) }),
    // Of who works on it: not yet of the one it is promised to.
    ...(owner === undefined || typeof checkpointOwner === 'string' ? {} : { sessionMs }),
    ...(checkpointOwner === undefined ? {} : { checkpointOwner: orAbsent(checkpointOwner) }),
    ...(checkpoint === undefined ? {} : { checkpoint, switches: 0 }),
    ...(switched === undefined ? {} : { switches: lease.switches + 1 }),
    ...(children === undefined ? {} : { children }),
    ...(state === undefined ? {} : { state }),
    ...(change.firstSightDone === undefined ? {} : { firstSight: undefined }),
  }
}
