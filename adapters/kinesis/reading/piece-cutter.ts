import type { FetchedBatch } from '../../../src/driver.ts'
import type { ResumePoint } from '../positions.ts'
import { resumeAfter, ShardBatch } from './shard-batch.ts'
import type { ShardRecords } from './shard-records.ts'

export interface PieceContext {
  readonly topic: string
  readonly partition: string
  /** Behind the last piece. */
  readonly end: ResumePoint
  readonly millisBehind: number
}

/** Hands out one delivery's records, in pieces where it brought more than is wanted at once. */
export class PieceCutter {
  readonly #records: ShardRecords
  readonly #context: PieceContext
  #from = 0
  #given = false
  #leftBytes = 0
  /** Behind what was handed out. */
  at: ResumePoint

  constructor(records: ShardRecords, context: PieceContext) {
    this.#records = records
    this.#context = context
    this.at = context.end
    for (let i = 0; i < records.count; i++) this.#leftBytes += records.sizeOf(i)
  }

  get isEmpty(): boolean {
    return this.#given && this.#from === this.#records.count
  }

  get millisBehind(): number {
    return this.#context.millisBehind
  }

  /** At least one record, and no more than fit; one without records where there is none to give. Undefined when all was given. */
  next(maxBytes: number): FetchedBatch | undefined {
    if (this.isEmpty) return undefined
    this.#given = true
    const records = this.#records
    const { topic, partition, end, millisBehind } = this.#context
    const from = this.#from
    let to = records.count
    let sizeBytes = this.#leftBytes
    if (sizeBytes > maxBytes && to - from > 1) {
      to = from + 1
      sizeBytes = records.sizeOf(from)
      while (to < records.count) {
        const grown = sizeBytes + records.sizeOf(to)
        if (grown > maxBytes) break
        sizeBytes = grown
        to++
      }
    }
    this.#from = to
    this.#leftBytes -= sizeBytes
    const last = to === records.count
    this.at = last ? end : resumeAfter(records, to - 1)
    const ahead = last ? 0 : Math.max(0, records.arrival(records.count - 1) - records.arrival(to - 1))
    const lag = { millis: millisBehind + ahead }
    return new ShardBatch(records, from, to, { topic, partition, sizeBytes, end: this.at, lag })
  }
}
