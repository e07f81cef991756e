import type { _Record } from '@aws-sdk/client-kinesis'

/** Where the service is asked to begin; a sequence number is of a record of the service, whatever that holds. */
export type StartingPlace =
  | { readonly type: 'TRIM_HORIZON' }
  | { readonly type: 'AT_TIMESTAMP'; readonly timestamp: number }
  | { readonly type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly sequence: string }

/** What one call or event brought, in order; perhaps nothing. */
export interface Delivery {
  readonly records: readonly _Record[]
  /** How far its end is behind the shard's. Milliseconds. */
  readonly millisBehind: number
  /** The service's time at which this was not fixed yet: what `millisBehind` says holds then or later. */
  readonly askedAt: number
  /** The shard ends with it. */
  readonly ended: boolean
}

/** Records of one shard from a place on, one call or event after another. Not to be used concurrently. */
export interface ShardSource {
  /** The next ones. After an error the next call goes on where this one would have. Rejects with `StreamError`. */
  fetch(maxBytes: number): Promise<Delivery>
  /** `performance.now()` before which asking is of little use: there was nothing a moment ago. */
  readonly readyAt: number
  /** Where another source would go on. */
  readonly place: StartingPlace
  /** Goes on from another place. */
  restart(place: StartingPlace): void
  close(): void
}
