import type { StreamError } from '../../../src/driver.ts'

/** What brokers know a producer by. */
export interface Identity {
  readonly producerId: number
  readonly epoch: number
}

/** Under which identity an engine's batches go, and what must be done before. */
export interface IdentitySource {
  /** Null: no transaction. */
  readonly transactionalId: string | null
  /** The identity to begin with in a partition. Asked once for each partition; may be called concurrently. */
  obtain(): Promise<Identity>
  /**
   * A batch may or may not be in the log, so its sequence must not be used for another: gives the identity under which the
   * partition begins anew, at sequence 0; undefined where none can, as the transaction is lost.
   */
  renew(identity: Identity, cause: StreamError): Identity | undefined
  /** Called before a request; the partitions are those of it. */
  prepare?(partitions: readonly { readonly topic: string; readonly partition: number }[]): Promise<void>
}
