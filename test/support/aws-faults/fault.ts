import type { Interruption } from '../model/subscription.ts'

/** What goes wrong. All of it can be written as JSON. */
export type Effect =
  /** An error answer. `after`: the operation has happened, as with an ambiguous 500. Default: before. */
  | {
      readonly kind: 'error'
      readonly code: string
      readonly message?: string
      readonly when?: 'before' | 'after'
    }
  /** These entries of a PutRecords fail, the others are written: by their places, by a share of all (seeded), or all. */
  | {
      readonly kind: 'entries'
      readonly code: 'ProvisionedThroughputExceededException' | 'InternalFailure'
      readonly which: readonly number[] | { readonly share: number } | 'all'
    }
  /** The connection breaks: before the operation, after it, or in the middle of the answer. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' | 'within' }
  /** The operation, or its answer, comes late. Default: after. */
  | { readonly kind: 'delay'; readonly ms: number; readonly when?: 'before' | 'after' }
  /** No answer ever, and the operation has not happened. */
  | { readonly kind: 'hang' }
  /** In a subscription, after so many events. Default: 0. */
  | (Interruption & { readonly afterEvents?: number })

/** Which calls an effect meets. All that is given must fit. */
export interface Fault {
  /** Operations by name. Default: all. */
  readonly on?: string | readonly string[]
  readonly stream?: string
  /** For PutRecords: a request with an entry for it; of `entries`, those for it. */
  readonly shard?: string
  /** How many calls it meets. Default: 1, without end where a rate is given. */
  readonly times?: number
  /** How many calls that fit pass before. Default: 0. */
  readonly skip?: number
  /** The share of calls that it meets, 0 to 1, by the fake's seed. Default: 1. */
  readonly rate?: number
  readonly effect: Effect
}

/** A fault that is set: how often it has met a call, and the end of it. */
export interface SetFault {
  readonly hits: number
  remove(): void
}
