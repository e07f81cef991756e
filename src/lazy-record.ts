import type { Batch } from './batch.ts'
import type { FetchedBatch } from './driver.ts'
import { DecodeError } from './errors.ts'
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
  private refusal: DecodeError | undefined

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
    if (this.refusal) throw this.refusal
    if (this.decodedValue !== UNSET) return this.decodedValue
    const bytes = this.source.value(this.index)
    this.decodedValue = bytes === null ? null : decodePart(this.described.codec.serde, bytes, 'value', this)
    return this.decodedValue
  }

  /** Replaces the decoded value by what its schema made of it. @internal */
  setValidated(value: unknown): void {
    this.decodedValue = value
  }

  /** Makes `value` throw: the schema refused it. @internal */
  setRefused(error: DecodeError): void {
    this.refusal = error
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

/** Records `from … to - 1` of a fetched batch, or of these only the `picked` ones, as the API gives them. */
export class LazyBatch implements Batch<LazyRecord> {
  /** @internal */
  readonly source: FetchedBatch
  private readonly described: AnyTopic
  private readonly from: number
  private readonly to: number
  private readonly picked: Int32Array | undefined
  private made: readonly LazyRecord[] | undefined
  /** Records of the whole fetched batch that were made before; looked up, not made again. */
  private readonly known: readonly LazyRecord[] | undefined

  constructor(
    source: FetchedBatch,
    described: AnyTopic,
    from = 0,
    to = source.count,
    picked?: Int32Array,
    known?: readonly LazyRecord[],
  ) {
    this.source = source
    this.described = described
    this.from = from
    this.to = to
    this.picked = picked
    this.known = known
  }

  get topic(): string {
    return this.source.topic
  }

  get partition(): string {
    return this.source.partition
  }

  get length(): number {
    return this.picked?.length ?? this.to - this.from
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
      for (let i = 0; i < made.length; i++) made[i] = this.make(i)
      this.made = made
    }
    return this.made
  }

  at(index: number): LazyRecord | undefined {
    return this.records[index]
  }

  /** Keeps no record that it makes: what a loop has gone past is garbage at once, and a replay stays small. */
  [Symbol.iterator](): Iterator<LazyRecord> {
    const { made, length } = this
    if (made !== undefined) return made[Symbol.iterator]()
    let next = 0
    return {
      next: () =>
        next < length ? { done: false, value: this.make(next++) } : { done: true, value: undefined },
    }
  }

  private make(i: number): LazyRecord {
    const index = this.picked?.[i] ?? this.from + i
    return this.known?.[index] ?? new LazyRecord(this.source, index, this.described)
  }
}

/**
 * Runs the topic's schema over the records and puts its output in place; order is kept. A value that it refuses throws
 * `DecodeError` when it is looked at. Undefined at once where the topic has no schema.
 */
export function validateRecords(
  described: AnyTopic,
  records: readonly LazyRecord[],
): Promise<void> | undefined {
  const validate = described.codec.validate
  if (validate === undefined) return undefined
  const one = async (record: LazyRecord): Promise<void> => {
    if (record.rawValue === null) return
    try {
      record.setValidated(await validate(record.value))
    } catch (error) {
      record.setRefused(error instanceof DecodeError ? error : refusalOf(record, error))
    }
  }
  return Promise.all(records.map(one)).then(() => {})
}

function refusalOf(record: LazyRecord, cause: unknown): DecodeError {
  const { topic, partition, position } = record
  const message = cause instanceof Error ? cause.message : String(cause)
  return new DecodeError('value', `at ${topic}/${partition}@${position}: ${message}`, {
    topic,
    partition,
    position,
    cause,
  })
}
