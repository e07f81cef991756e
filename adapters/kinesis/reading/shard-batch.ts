import type { Checkpoint, FetchedBatch, Header, Lag, Position } from '../../../src/driver.ts'
import { formatCheckpoint, type ResumePoint } from '../positions.ts'
import type { ShardRecords } from './shard-records.ts'

/** What a batch has beside its records. */
export interface BatchContext {
  readonly topic: string
  readonly partition: string
  readonly sizeBytes: number
  readonly end: ResumePoint
  readonly lag: Lag
}

/** `records[from … to - 1]` as the core reads them. */
export class ShardBatch implements FetchedBatch {
  readonly topic: string
  readonly partition: string
  readonly count: number
  readonly sizeBytes: number
  readonly lag: Lag
  readonly #records: ShardRecords
  readonly #from: number
  readonly #end: ResumePoint

  constructor(records: ShardRecords, from: number, to: number, context: BatchContext) {
    this.#records = records
    this.#from = from
    this.count = to - from
    this.topic = context.topic
    this.partition = context.partition
    this.sizeBytes = context.sizeBytes
    this.lag = context.lag
    this.#end = context.end
  }

  get end(): Checkpoint {
    return formatCheckpoint(this.#end)
  }

  key(i: number): Uint8Array | null {
    return this.#records.key(this.#from + i)
  }

  value(i: number): Uint8Array | null {
    return this.#records.value(this.#from + i)
  }

  headers(i: number): readonly Header[] {
    return this.#records.headers(this.#from + i)
  }

  mayHaveHeaders(i: number): boolean {
    return this.#records.mayHaveHeaders(this.#from + i)
  }

  timestamp(i: number): number {
    return this.#records.timestamp(this.#from + i)
  }

  arrival(i: number): number {
    return this.#records.arrival(this.#from + i)
  }

  position(i: number): Position {
    return this.#records.position(this.#from + i)
  }

  keyHash(i: number): number {
    return this.#records.keyHash(this.#from + i)
  }

  checkpointAfter(i: number): Checkpoint {
    return formatCheckpoint(resumeAfter(this.#records, this.#from + i))
  }
}

/** Behind the record at `i`. */
export function resumeAfter(records: ShardRecords, i: number): ResumePoint {
  return { kind: 'after', ...records.place(i), arrival: records.arrival(i) }
}
