import type { HttpEffect } from '../aws-faults/fault.ts'
import type { Interruption } from './model/subscription.ts'

/** What goes wrong in Kinesis. All of it can be written as JSON. */
export type KinesisEffect =
  | HttpEffect
  /** These entries of a PutRecords fail, the others are written: by their places, by a share of all (seeded), or all. */
  | {
      readonly kind: 'entries'
      readonly code: 'ProvisionedThroughputExceededException' | 'InternalFailure'
      readonly which: readonly number[] | { readonly share: number } | 'all'
    }
  /** The entries of a PutRecords are written in another order (seeded), as the service may: it promises none. */
  | { readonly kind: 'shuffle' }
  /** GetRecords finds nothing though there is something, as the service may: MillisBehindLatest tells. */
  | { readonly kind: 'empty' }
  /** In a subscription, after so many events. Default: 0. */
  | (Interruption & { readonly afterEvents?: number })
