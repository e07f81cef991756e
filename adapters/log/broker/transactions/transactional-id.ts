import type { Owner } from '../broker-api.ts'

/** A transactional id as the broker holds it; all but the last two is stored. */
export interface TransactionalId {
  readonly id: string
  /** Nobody will come back to it. */
  anonymous: boolean
  owner: Owner
  timeoutMs: number
  readonly producerId: number
  /** Grows when another producer takes the id, or its transaction was aborted without its asking: fences the older ones. */
  epoch: number
  state: 'idle' | 'open' | 'committing' | 'aborting'
  /** Where markers are due, by `topic/partition`. */
  partitions: Map<string, [topic: string, partition: string]>
  /** The transaction that was decided last, as its producer counts them, and how. */
  number: number
  committed: boolean
  /** When the open transaction is aborted, in milliseconds of `performance.now()`. */
  deadline: number
  /** Runs while a decision is carried out. */
  ending: Promise<void> | undefined
}
