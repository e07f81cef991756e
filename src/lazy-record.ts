import type { Batch } from './batch.ts'
import type { FetchedBatch } from './driver.ts'
import type { Checkpoint, Lag, Position } from './position.ts'
import type { Header, StreamRecord } from './record.ts'
import { decodePart } from './serde/codec.ts'
import type { AnyTopic } from './topic.ts'

const UNSET: unique symbol = Symbol('not decoded yet')

/** A record over a fetched batch: an index until somebody looks. */
export class LazyRecord implements StreamRecord<unknown, unknown> {
  /** @internal */
  readonly source: FetchedBatch
  /** @internal */
  readonly index: number
  private readonly described: AnyTopic
  private decodedKey: unknown = UNSET
  private decodedValue: unknown = UNSET

  constructor(source: FetchedBatch, index: number, described: AnyTopic) {
    this.source = source
    this.index = index
    this.described = described
  }

  get topic(): string {
    return this.source.topic
  }

  get partition(): string {
    return this.source.partition
  }

  get position(): Position {
    return this.source.position(this.index)
  }

  get key(): unknown {
    if (this.decodedKey !== UNSET) return this.decodedKey
    const bytes = this.source.key(this.index)
    this.decodedKey = bytes === null ? null : decodePart(this.described.keySerde, bytes, 'key', this)
    return this.decodedKey
  }

  get value(): unknown {
    if (this.decodedValue !== UNSET) return this.decodedValue
    const bytes = this.source.value(this.index)
    this.decodedValue = bytes === null ? null : decodePart(this.described.codec.serde, bytes, 'value', this)
    return this.decodedValue
  }

  /** Replaces the decoded value by what its schema made of it. @internal */
  setValidated(value: unknown): void {
    this.decodedValue = value
  }

  get rawKey(): Uint8Array | null {
    return this.source.key(this.index)
  }

  get rawValue(): Uint8Array | null {
    return this.source.value(this.index)
  }

  get headers(): readonly Header[] {
    return this.source.headers(this.index)
  }

  get timestamp(): number {
    return this.source.timestamp(this.index)
  }

  get arrival(): number | undefined {
    return this.source.arrival(this.index)
  }

  header(name: string): string | undefined {
    const value = this.headers.findLast((header) => header.name === name)?.value
    return value == null
      ? undefined
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
  }

  /** What `console.log` and JSON show: the record's content, not its buffers. */
  toJSON(): object {
    const { topic, partition, position, timestamp, key, value } = this
    return { topic, partition, position, timestamp, key, value }
  }
}

/** Records `from … to - 1` of a fetched batch, as the API gives them. */
export class LazyBatch implements Batch<LazyRecord> {
  /** @internal */
  readonly source: FetchedBatch
  protected readonly described: AnyTopic
  private readonly from: number
  private readonly to: number
  private made: LazyRecord[] | undefined

  constructor(source: FetchedBatch, described: AnyTopic, from = 0, to = source.count) {
    this.source = source
    this.described = described
    this.from = from
    this.to = to
  }

  get topic(): string {
    return this.source.topic
  }

  get partition(): string {
    return this.source.partition
  }

  get length(): number {
    return this.to - this.from
  }

  get lag(): Lag {
    return this.source.lag
  }

  get end(): Checkpoint {
    return this.to === this.source.count ? this.source.end : this.source.checkpointAfter(this.to - 1)
  }

  get records(): readonly LazyRecord[] {
    if (this.made === undefined) {
      const made = new Array<LazyRecord>(this.length)
      for (let i = 0; i < made.length; i++)
        made[i] = new LazyRecord(this.source, this.from + i, this.described)
      this.made = made
    }
    return this.made
  }

  at(index: number): LazyRecord | undefined {
    return this.records[index]
  }

  [Symbol.iterator](): Iterator<LazyRecord> {
    return this.records[Symbol.iterator]()
  }
}

/**
 * Runs the topic's schema over the records and puts its output in place; order is kept. Resolves with what failed, by
 * index within `records`. Undefined at once where the topic has no schema.
 */
export function validateRecords(
  described: AnyTopic,
  records: readonly LazyRecord[],
): Promise<Map<number, unknown>> | undefined {
  const validate = described.codec.validate
  if (validate === undefined) return undefined
  const failed = new Map<number, unknown>()
  const one = async (record: LazyRecord, index: number): Promise<void> => {
    try {
      const value = record.value
      if (value !== null || record.rawValue !== null) record.setValidated(await validate(value))
    } catch (error) {
      failed.set(index, error)
    }
  }
  return Promise.all(records.map(one)).then(() => failed)
}
