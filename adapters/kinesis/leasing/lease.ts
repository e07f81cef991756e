import type { From } from '../../../src/driver.ts'
import type { ResumePoint } from '../positions.ts'

/** One shard's row in a group's lease table, as KCL has it, and what millrace keeps beside. */
export interface Lease {
  /** The shard's id, or KCL's multi-stream key: `account:stream:creation:shard`. */
  readonly key: string
  readonly shard: string
  /** `account:stream:creation`. Undefined: written by a KCL application of one stream, which does not say. */
  readonly stream: string | undefined
  /** Whom it is for. While `checkpointOwner` is there, that one still works on it. */
  readonly owner: string | undefined
  /** Drains, then gives the lease to `owner`. */
  readonly checkpointOwner: string | undefined
  /** Grows with every sign of life and every change of hands. */
  readonly counter: number
  readonly checkpoint: ResumePoint
  readonly switches: number
  readonly parents: readonly string[]
  readonly children: readonly string[]
  /** Decimal. */
  readonly hashRange: { readonly from: string; readonly to: string } | undefined
  /** What the core stored with the checkpoint. */
  readonly state: Uint8Array | null
  /** How long its worker may be silent, where that one is of millrace and said so. Milliseconds. */
  readonly sessionMs: number | undefined
  /** The group whose member created it; undefined: a KCL application did. */
  readonly group: string | undefined
  /** Set on one row while the topic's first sight is under way: whoever finds it finishes that. */
  readonly firstSight: From | undefined
  /** Members that hold no lease, by id: they are told of here, so that no row is foreign to KCL. */
  readonly idle: Readonly<Record<string, string>>
}

/** Whose it is now, though it may be on its way to another. */
export const workerOf = (lease: Lease): string | undefined => lease.checkpointOwner ?? lease.owner

export const isEnded = (lease: Lease): boolean => lease.checkpoint.kind === 'end'

/** Something of it was done: whatever it continues was done before. */
export const hasBegun = ({ checkpoint: { kind } }: Lease): boolean => kind === 'after' || kind === 'end'

/** A row as it is created: nobody's. */
export function newLease(
  fields: Pick<Lease, 'key' | 'shard' | 'stream' | 'checkpoint' | 'parents' | 'group'> & Partial<Lease>,
): Lease {
  return {
    owner: undefined,
    checkpointOwner: undefined,
    counter: 0,
    switches: 0,
    children: [],
    hashRange: undefined,
    state: null,
    sessionMs: undefined,
    firstSight: undefined,
    idle: {},
    ...fields,
  }
}
