import type { _Record } from '@aws-sdk/client-kinesis'
import type { Header } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { formatPosition, type Place } from '../positions.ts'
import type { Aggregate } from '../records/index.ts'
import { sizeOf } from './size-of.ts'

const NO_HEADERS: readonly Header[] = Object.freeze([])
const EMPTY = new Uint8Array(0)
/** A partition key has 256 characters at most. */
const KEY_BYTES = 4 * 256

// Reused between calls, which never overlap.
const keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES)

/**
 * Records by index over what the service gave: plain ones are its own objects, those inside aggregates are pairs of numbers. Nothing is
 * copied.
 */
export class ShardRecords {
  readonly count: number
  readonly #raws: readonly _Record[]
  readonly #first: number
  /** For each record the index in `raws` and the one inside; undefined where all are plain and follow each other. */
  readonly #items: Int32Array | undefined
  readonly #aggregates: readonly (Aggregate | undefined)[] | undefined

  private constructor(
    count: number,
    raws: readonly _Record[],
    first: number,
    items: Int32Array | undefined,
    aggregates: readonly (Aggregate | undefined)[] | undefined,
  ) {
    this.count = count
    this.#raws = raws
    this.#first = first
    this.#items = items
    this.#aggregates = aggregates
  }

  /** `raws[first … end - 1]`, none of them an aggregate. */
  static plain(raws: readonly _Record[], first: number, end: number): ShardRecords {
    return new ShardRecords(end - first, raws, first, undefined, undefined)
  }

  /** `items`: pairs of an index in `raws` and one inside it. `aggregates` by index in `raws`. */
  static mixed(
    raws: readonly _Record[],
    items: Int32Array,
    aggregates: readonly (Aggregate | undefined)[],
  ): ShardRecords {
    return new ShardRecords(items.length >> 1, raws, 0, items, aggregates)
  }

  /** As long as the service's own object lives so does its share of memory; records inside aggregates have equal shares. Bytes. */
  sizeOf(i: number): number {
    const size = sizeOf(this.#raw(i))
    const aggregate = this.#aggregate(i)
    return aggregate === undefined ? size : Math.ceil(size / aggregate.count)
  }

  key(i: number): Uint8Array | null {
    const aggregate = this.#aggregate(i)
    if (aggregate !== undefined) return aggregate.key(this.#inside(i))
    const { PartitionKey } = this.#raw(i)
    return PartitionKey === undefined ? null : Buffer.from(PartitionKey)
  }

  value(i: number): Uint8Array | null {
    const aggregate = this.#aggregate(i)
    return aggregate === undefined ? (this.#raw(i).Data ?? EMPTY) : aggregate.value(this.#inside(i))
  }

  headers(i: number): readonly Header[] {
    return this.#aggregate(i)?.headers(this.#inside(i)) ?? NO_HEADERS
  }

  mayHaveHeaders(i: number): boolean {
    return this.#aggregate(i)?.mayHaveHeaders(this.#inside(i)) ?? false
  }

  /** The producer's, else the arrival. */
  timestamp(i: number): number {
    return this.#aggregate(i)?.timestamp(this.#inside(i)) ?? this.arrival(i)
  }

  arrival(i: number): number {
    return arrivalOf(this.#raw(i))
  }

  keyHash(i: number): number {
    const aggregate = this.#aggregate(i)
    if (aggregate !== undefined) return aggregate.keyHash(this.#inside(i))
    const { PartitionKey, SequenceNumber } = this.#raw(i)
    return murmur2(keyBytes, 0, keyBytes.write(PartitionKey ?? SequenceNumber!))
  }

  place(i: number): Place {
    return { sequence: this.#raw(i).SequenceNumber!, sub: this.#inside(i) }
  }

  position(i: number): string {
    return formatPosition(this.#raw(i).SequenceNumber!, this.#inside(i))
  }

  #raw(i: number): _Record {
    return this.#raws[this.#items === undefined ? this.#first + i : this.#items[i * 2]!]!
  }

  #aggregate(i: number): Aggregate | undefined {
    return this.#items === undefined ? undefined : this.#aggregates![this.#items[i * 2]!]
  }

  #inside(i: number): number {
    return this.#items === undefined ? 0 : this.#items[i * 2 + 1]!
  }
}

/** Milliseconds since the epoch. */
export const arrivalOf = ({ ApproximateArrivalTimestamp }: _Record): number =>
  ApproximateArrivalTimestamp?.getTime() ?? 0
