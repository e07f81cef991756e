import type { Lease } from '../lease.ts'

/** What a row must be for an update to be made; what is left out does not matter. Null: absent. */
export interface LeaseCondition {
  readonly counter?: number
  readonly owner?: string | null
  readonly checkpointOwner?: string | null
  /** Whose it is now (`workerOf`). */
  readonly worker?: string
}

/** What becomes of a row; what is left out stays. A checkpoint also does away with a pending one and with the count of switches. */
export interface LeaseChange {
  readonly counter?: number
  readonly owner?: string | null
  readonly checkpointOwner?: string | null
  readonly checkpoint?: Lease['checkpoint']
  readonly switched?: true
  readonly children?: readonly string[]
  readonly state?: Uint8Array | null
  /** With `owner`: how long it may be silent. */
  readonly sessionMs?: number
  readonly firstSightDone?: true
}

export type Updated =
  | { readonly done: true; readonly lease: Lease }
  /** The row as it is; undefined where there is none. */
  | { readonly done: false; readonly lease: Lease | undefined }

export interface CallTime {
  /** Milliseconds until TIMEOUT. Default: 10,000. */
  readonly timeoutMs?: number
}

/**
 * One group's lease table: conditional writes of single rows and nothing else. Never retries. Rejects with `StreamError`: THROTTLED, UNAVAILABLE,
 * TIMEOUT (it may have been done), PERMISSION_DENIED, NOT_FOUND where there is no table.
 */
export interface LeaseTable {
  /** For messages. */
  readonly name: string
  /** Creates the table where it is missing and waits until it can be used. */
  prepare(): Promise<void>
  /** All leases, whatever rows of another kind stand beside them. `consistent`: with everything written before the call. */
  list(options?: CallTime & { readonly consistent?: boolean }): Promise<Lease[]>
  get(key: string, options?: CallTime): Promise<Lease | undefined>
  /** False where there is such a row. */
  create(lease: Lease, options?: CallTime): Promise<boolean>
  /** `lease` is the row as it was read: the outcome is told by it, so that no answer need carry the row. */
  update(lease: Lease, condition: LeaseCondition, change: LeaseChange, options?: CallTime): Promise<Updated>
  /** Tells of a member without a lease on a row, whatever becomes of that otherwise; null: no longer. Nothing happens where the row is gone. */
  announce(key: string, member: string, text: string | null, options?: CallTime): Promise<void>
  /** Under a condition on the counter, or whatever it is. */
  delete(key: string, condition?: { readonly counter: number }): Promise<void>
  /** Removes all leases, and the table with them where nothing else is in it. */
  destroy(): Promise<void>
}
