/** Where a record stands in its partition: an opaque string whose order only the adapter knows. */
export type Position = string

/**
 * An opaque point from which a partition is resumed: after a record, a hole, a control record or an idle stretch.
 * Made by an adapter, understood by that adapter alone.
 */
export type Checkpoint = string

/** Where reading starts. */
export type From =
  | 'earliest'
  | 'latest'
  | { readonly at: Position }
  | { readonly after: Position }
  /** Milliseconds since the epoch, or a Date: the first record that is not older. */
  | { readonly timestamp: number | Date }

/** Where reading ends: `now` is the end as it stood when reading began; `at` and `timestamp` are exclusive, `after` inclusive. */
export type Until =
  | 'now'
  | { readonly at: Position }
  | { readonly after: Position }
  | { readonly timestamp: number | Date }

/** How far a reader or a group is behind: by records where offsets are dense, by time where they are not. */
export interface Lag {
  readonly records?: number
  readonly millis?: number
}
