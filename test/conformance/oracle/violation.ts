/** A promise that was not kept. */
export interface Violation {
  readonly kind:
    | 'loss'
    | 'duplicate'
    | 'inversion'
    | 'misplaced'
    | 'doubled'
    | 'two-owners'
    | 'late-checkpoint'
    | 'epoch'
    | 'hand-off'
  readonly text: string
}

/** What is promised in this case beyond what always holds. */
export interface Terms {
  /** Groups that must have been given every acknowledged record of these topics. */
  readonly complete?: readonly { readonly group: string; readonly topic: string }[]
  /** Members may be stopped or hung: what such a former owner is still handling is not held against the group. */
  readonly zombies?: boolean
  /** Partitions may be taken by force while they drain. */
  readonly forced?: boolean
  /** False where keys may move between partitions without lineage: then order holds in each partition only. */
  readonly orderAcrossPartitions?: boolean
  /** False where an ambiguous failure may double a record in the log. */
  readonly idempotent?: boolean
}
