import type { Batch } from '../batch.ts'
import type { From, Until } from '../position.ts'

export interface ReadOptions {
  /** Default: `earliest`. `at` and `after` belong to one partition: give `partitions` with it, or use `starts`. */
  readonly from?: From
  /** Default: none, reading follows the topic for ever. */
  readonly until?: Until
  /** Default: all, and with lineage their children too. */
  readonly partitions?: readonly string[]
  /** Where single partitions start, over `from`; `end` leaves one out as read before. For resuming. */
  readonly starts?: Readonly<Record<string, From | 'end'>>
  /** Default: `committed`. */
  readonly isolation?: 'committed' | 'uncommitted'
  /** About how much one batch brings. Bytes. Default: 1 MiB. */
  readonly fetchMaxBytes?: number
  readonly signal?: AbortSignal
}

/**
 * Batches of all partitions, each in order, parents before children. Groups are untouched. One batch a partition is read
 * ahead. Ending the loop closes it. Errors: NOT_FOUND, POSITION_EXPIRED, INVALID_ARGUMENT, UNAVAILABLE.
 */
export interface Reader<R> extends AsyncIterable<Batch<R>>, AsyncDisposable {
  /** The records one by one. */
  records(): AsyncIterable<R>
  close(): Promise<void>
}
