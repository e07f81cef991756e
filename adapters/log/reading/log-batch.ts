import type { Checkpoint, FetchedBatch, Header, Lag, Position } from '../../../src/driver.ts'
import type { RecordBatchView } from '../../../src/formats/record-batch/index.ts'

/** What one fetch brought, decoded when it is looked at. */
export class LogBatch implements FetchedBatch {
  readonly topic: string
  readonly partition: string
  readonly count: number
  readonly sizeBytes: number
  readonly end: Checkpoint
  readonly lag: Lag
  readonly #view: RecordBatchView

  /** `bytes` is what the fetched buffer holds in memory; `stable` is where the partition ended for readers like this one. */
  constructor(topic: string, partition: string, view: RecordBatchView, bytes: number, stable: number) {
    this.topic = topic
    this.partition = partition
    this.count = view.count
    this.sizeBytes = bytes
    this.end = String(view.nextOffset)
    this.lag = { records: Math.max(0, stable - view.nextOffset) }
    this.#view = view
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

  mayHaveHeaders(i: number): boolean {
    return this.#view.mayHaveHeaders(i)
  }

  timestamp(i: number): number {
    return this.#view.timestamp(i)
  }

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
    return String(this.#view.nextOffsetAfter(i))
  }
}
