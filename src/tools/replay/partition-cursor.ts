import type {
  Batch,
  From,
  PartitionDescription,
  Position,
  Reader,
  StreamRecord,
  Streams,
} from '../../index.ts'
import { bytesTopic } from '../bytes-topic.ts'
import type { ReplayRecord } from './options.ts'

export interface CursorOptions {
  readonly streams: Streams
  readonly topic: string
  readonly from: From
  /** Exclusive; null where the backend does not tell its end. */
  readonly end: Position | null
  /** Where `end` is null: what arrived later is not part of it. */
  readonly startedAt: number
  /** Exclusive: the first record that is not older ends the partition. */
  readonly untilTimestamp: number | undefined
  /** Exclusive. */
  readonly untilAt: Position | undefined
  /** Inclusive. */
  readonly untilAfter: Position | undefined
  readonly fetchMaxBytes: number
  readonly keepPartitions: boolean
}

type BytesRecord = StreamRecord<Uint8Array, Uint8Array>

/** Reads one partition from a start to a fixed end, one record in view. */
export class PartitionCursor {
  readonly id: string
  readonly parents: readonly string[]
  /** True when all of it was given out. */
  done = false
  private readonly options: CursorOptions
  /** What the partition holds: the estimate until a batch tells better. */
  private readonly held: number | undefined
  private reader: Reader<BytesRecord> | undefined
  private batches: AsyncIterator<Batch<BytesRecord>> | undefined
  private batch: Batch<BytesRecord> | undefined
  private index = 0
  private inside = false

  constructor(partition: PartitionDescription, options: CursorOptions) {
    this.id = partition.id
    this.parents = partition.parents
    this.held = partition.records
    this.options = options
  }

  /** The record in view; undefined when a new batch is to be fetched first. */
  get head(): BytesRecord | undefined {
    return this.batch?.at(this.index)
  }

  /** Whether `head` is there and before the end. */
  get inView(): boolean {
    return !this.done && this.head !== undefined && (this.inside || !this.isPastEnd(this.head))
  }

  /** Records from the one in view to the end, as known; undefined where the backend counts none. */
  get remaining(): number | undefined {
    if (this.done) return 0
    if (this.batch === undefined) return this.held
    const behind = this.batch.lag.records
    return behind === undefined ? undefined : behind + this.batch.length - this.index
  }

  /** Brings the next record into view, fetching as needed, or learns that all is `done`. */
  async fill(): Promise<void> {
    while (!this.done && this.head === undefined) {
      this.batches ??= this.open()[Symbol.asyncIterator]()
      const next = await this.batches.next()
      if (next.done) this.done = true
      else this.show(next.value)
    }
    if (!this.done && !this.inView) await this.close()
  }

  private show(batch: Batch<BytesRecord>): void {
    this.batch = batch
    this.index = 0
    const last = batch.at(batch.length - 1)
    // one look at the last record spares one at each, unless times are asked for, which need not be in order
    this.inside = last !== undefined && this.options.untilTimestamp === undefined && !this.isPastEnd(last)
  }

  take(): ReplayRecord {
    const record = this.head!
    this.index++
    return {
      partition: this.id,
      position: record.position,
      key: record.rawKey,
      value: record.rawValue,
      headers: record.headers,
      timestamp: record.timestamp,
      targetPartition: this.options.keepPartitions ? this.id : undefined,
    }
  }

  async close(): Promise<void> {
    this.done = true
    await this.reader?.close()
  }

  private open(): Reader<BytesRecord> {
    const { streams, topic, from, fetchMaxBytes } = this.options
    return (this.reader = streams.read(bytesTopic(topic), {
      partitions: [this.id],
      from,
      until: 'now',
      fetchMaxBytes,
    }))
  }

  /** `now` moves between runs; the end that was fixed at the first does not. */
  private isPastEnd(record: BytesRecord): boolean {
    const { streams, end, startedAt, untilTimestamp, untilAt, untilAfter } = this.options
    if (untilTimestamp !== undefined && record.timestamp >= untilTimestamp) return true
    if (untilAt !== undefined && streams.comparePositions(record.position, untilAt) >= 0) return true
    if (untilAfter !== undefined && streams.comparePositions(record.position, untilAfter) > 0) return true
    if (end !== null) return streams.comparePositions(record.position, end) >= 0
    return record.arrival !== undefined && record.arrival > startedAt
  }
}
