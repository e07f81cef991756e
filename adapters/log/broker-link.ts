import type { BrokerApi, Owner } from './broker/broker-api.ts'

/** A way to the broker of a log, in this process or in another, that outlives the death of the other. */
export interface BrokerLink extends BrokerApi {
  /** Who asks. */
  readonly owner: Owner
  /** Whether the broker is in this process now: then `produce` has written when it returns, and its bytes may be used again. */
  readonly local: boolean
  /** Idempotent. Calls under way reject CLOSED. */
  close(): Promise<void>
}
