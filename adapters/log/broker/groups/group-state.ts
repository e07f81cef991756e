import type { Owner, Refusal } from '../broker-api.ts'

/** A member of a group as the broker holds it. */
export interface Member {
  readonly id: string
  stored: StoredMember
  /** Dead when nothing is heard until then, in milliseconds of `performance.now()`. */
  deadline: number
  /** Grows when what `syncGroup` answers changes. */
  version: number
  /** The membership is over for good; kept until the member has heard it. */
  failed: Refusal | undefined
  /** Answers the waiting `syncGroup`, if one waits. */
  wake: (() => void) | undefined
}

/** What survives the holder: a member that comes back to the next one keeps what it has. */
export interface StoredMember {
  readonly clientId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly drainTimeoutMs: number
  readonly owner: Owner
  /** Partitions (`partitionKey`) that it gave up and is not to be offered until it reclaims them. */
  readonly abandoned: readonly string[]
}

/** A partition as a group sees it. */
export interface GroupPartition {
  readonly topic: string
  readonly id: string
  checkpoint: number
  /** Base64. */
  state: string | null
  epoch: number
  ended: boolean
  owner: Member | undefined
  /** Set while its owner drains it: taken by force then, in milliseconds of `performance.now()`. */
  revokeAt: number | undefined
  /** Who has it, or gets it once it is released. */
  target: string | undefined
  /** The group's version when it was last acquired or moved. */
  version: number
}

/** How a group's partition is stored; the state is a record of its own, because it may be large and changes rarely. */
export interface StoredGroupPartition {
  readonly checkpoint: number
  readonly epoch: number
  readonly ended: boolean
  readonly owner: string | null
}

export const partitionKey = (topic: string, partition: string): string => `${topic}/${partition}`
