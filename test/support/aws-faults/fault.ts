/** What goes wrong between a client and a service, whichever it is. All of it can be written as JSON. */
export type HttpEffect =
  /** An error answer. `after`: the operation has happened, as with an ambiguous 500. Default: before. */
  | {
      readonly kind: 'error'
      readonly code: string
      readonly message?: string
      readonly when?: 'before' | 'after'
    }
  /** The connection breaks: before the operation, after it, or in the middle of the answer. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' | 'within' }
  /** The operation, or its answer, comes late. Default: after. */
  | { readonly kind: 'delay'; readonly ms: number; readonly when?: 'before' | 'after' }
  /** No answer ever, and the operation has not happened. */
  | { readonly kind: 'hang' }

/** Which calls an effect meets. All that is given must fit. */
export interface Fault<Effect = HttpEffect> {
  /** Operations by name. Default: all. */
  readonly on?: string | readonly string[]
  readonly stream?: string
  readonly table?: string
  /** For PutRecords: a request with an entry for it; of `entries`, those for it. */
  readonly shard?: string
  /** How many calls it meets. Default: 1, without end where a rate is given. */
  readonly times?: number
  /** How many calls that fit pass before. Default: 0. */
  readonly skip?: number
  /** The share of calls that it meets, 0 to 1, by the seed. Default: 1. */
  readonly rate?: number
  readonly effect: Effect
}

/** A fault that is set: how often it has met a call, and the end of it. */
export interface SetFault {
  readonly hits: number
  remove(): void
}
