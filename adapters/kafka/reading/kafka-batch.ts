import type { Checkpoint, FetchedBatch, Header, Lag, Position } from '../../../src/driver.ts'
import type { RecordBatchView } from '../../../src/formats/record-batch/index.ts'
import { formatCheckpoint } from '../checkpoints.ts'

/** What one fetch brought of a partition, decoded when it is looked at. */
export class KafkaBatch implements FetchedBatch {
  readonly topic: string
  readonly partition: string
  readonly count: number
  readonly sizeBytes: number
  readonly end: Checkpoint
  readonly lag: Lag
  readonly #view: RecordBatchView
  readonly #leaderEpoch: number

  /**
   * `bytes` is what the fetched buffer holds in memory; `highWatermark` is where the partition ended; `leaderEpoch` is that of
   * all its batches, -1 where they differ.
   */
  constructor(
    topic: string,
    partition: string,
    view: RecordBatchView,
    bytes: number,
    highWatermark: number,
    leaderEpoch: number,
  ) {
    this.topic = topic
    this.partition = partition
    this.count = view.count
    this.sizeBytes = bytes
    this.end = formatCheckpoint(view.nextOffset, leaderEpoch)
    this.lag = { records: Math.max(0, highWatermark - view.nextOffset) }
    this.#view = view
    this.#leaderEpoch = leaderEpoch
  }

  key(i: number): Uint8Array | null {
    return this.#view.key(i)
  }

  value(i: number): Uint8Array | null {
    return this.#view.value(i)
  }

  headers(i: number): readonly Header[] {
    return this.#view.headers(i)
  }

  timestamp(i: number): number {
    return this.#view.timestamp(i)
  }

  /** A topic has the producers' times or the broker's, never both. */
  arrival(): undefined {
    return undefined
  }

  position(i: number): Position {
    return String(this.#view.offset(i))
  }

  keyHash(i: number): number {
    return this.#view.keyHash(i)
  }

  checkpointAfter(i: number): Checkpoint {
    return formatCheckpoint(this.#view.nextOffsetAfter(i), this.#leaderEpoch)
  }
}
