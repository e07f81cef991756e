import type { Checkpoint, Lag } from './position.ts'
import type { StreamRecord } from './record.ts'

/**
 * Records of one partition in order. They are decoded one by one when looked at. A loop makes its records as it goes and keeps none:
 * `at` and `records` are for those who come back to them.
 */
export interface Batch<R = StreamRecord> extends Iterable<R> {
  readonly topic: string
  readonly partition: string
  readonly length: number
  /** The record at `index`; undefined outside of 0 … length - 1. The same object for the same index. */
  at(index: number): R | undefined
  /** All of them as an array, made when first asked for. */
  readonly records: readonly R[]
  /** How far the end of this batch is behind its partition's end, as known when it was fetched. */
  readonly lag: Lag
  /** The resume point after the whole batch. */
  readonly end: Checkpoint
}

/** A batch that a group was given: it can be checkpointed. */
export interface ConsumedBatch<R = StreamRecord> extends Batch<R> {
  /**
   * Aborted when the partition is revoked and the drain time is over, is lost, or the consumer closes and its
   * deadline passed.
   */
  readonly signal: AbortSignal
  /** Records that all of the batch is done. Durable when resolved; rejects FENCED when the partition is another's by now. */
  checkpoint(): Promise<void>
}
