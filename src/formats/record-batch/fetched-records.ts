import type { Checkpoint, Lag, Position } from '../../position.ts'
import type { Header } from '../../record.ts'
import type { RecordBatchView } from './batch-view.ts'

/** What a reader knows of a fetch beside its bytes. */
export interface FetchedFrom {
  readonly topic: string
  readonly partition: string
  /** What the fetched buffer holds in memory. */
  readonly sizeBytes: number
  /** The offset at which the partition ended, for readers like this one. */
  readonly endOffset: number
  /** The checkpoint that resumes at an offset. */
  readonly checkpointAt: (offset: number) => Checkpoint
}

/** The records of one fetch as the driver's contract has them (`FetchedBatch`), over record batches; decoded when looked at. */
export class FetchedRecords {
  readonly topic: string
  readonly partition: string
  readonly count: number
  readonly sizeBytes: number
  readonly end: Checkpoint
  readonly lag: Lag
  readonly #view: RecordBatchView
  readonly #checkpointAt: (offset: number) => Checkpoint

  constructor(view: RecordBatchView, from: FetchedFrom) {
    this.topic = from.topic
    this.partition = from.partition
    this.count = view.count
    this.sizeBytes = from.sizeBytes
    this.end = from.checkpointAt(view.nextOffset)
    this.lag = { records: Math.max(0, from.endOffset - view.nextOffset) }
    this.#view = view
    this.#checkpointAt = from.checkpointAt
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
    return this.#checkpointAt(this.#view.nextOffsetAfter(i))
  }
}
