import type { Limits } from '../limits.ts'
import { type HashRange, hashHex, wireRange } from './hash-range.ts'
import { RateBucket } from './rate-bucket.ts'
import { END_PLACE, sequenceNumber, sequencePrefix } from './sequence-numbers.ts'

/** A record as answers hold it; its data stays base64 text from request to answer. */
export interface WireRecord {
  readonly SequenceNumber: string
  /** Seconds. */
  readonly ApproximateArrivalTimestamp: number
  readonly Data: string
  readonly PartitionKey: string | undefined
  readonly EncryptionType: 'NONE'
}

export interface StoredRecord {
  readonly place: number
  readonly bytes: number
  readonly arrivalMs: number
  readonly wire: WireRecord
}

export interface ShardOptions {
  readonly index: number
  readonly range: HashRange
  readonly parents: readonly Shard[]
  readonly openedMs: number
  readonly limits: Limits
  readonly keepRecords: number
  readonly steady: () => number
  readonly random: () => number
}

/** One shard: its records, its place in the lineage and what it can still take and give this second. */
export class Shard {
  readonly id: string
  readonly range: HashRange
  readonly startHex: string
  readonly endHex: string
  readonly parents: readonly string[]
  readonly openedMs: number
  readonly prefix: string
  readonly openedSecond: number
  readonly children: Shard[] = []
  closedMs: number | undefined
  /** The place of the newest record; grows when a number is needed that no record has. */
  lastPlace = 0
  readonly writeBytes: RateBucket
  readonly writeRecords: RateBucket
  readonly readCalls: RateBucket
  readonly readBytes: RateBucket
  readonly iteratorCalls: RateBucket
  #records: StoredRecord[] = []
  /** How many at the front of `#records` are trimmed. */
  #trimmed = 0
  readonly #keepRecords: number
  readonly #random: () => number
  readonly #watchers = new Set<() => void>()

  constructor(options: ShardOptions) {
    const { limits, parents, steady } = options
    this.id = `shardId-${String(options.index).padStart(12, '0')}`
    this.range = options.range
    this.startHex = hashHex(options.range.start)
    this.endHex = hashHex(options.range.end)
    this.parents = parents.map(({ id }) => id)
    this.openedMs = options.openedMs
    // Later than its parents, whatever the clock says.
    this.openedSecond = Math.max(
      Math.floor(options.openedMs / 1_000),
      ...parents.map(({ openedSecond }) => openedSecond + 1),
    )
    this.prefix = sequencePrefix(this.openedSecond, options.index)
    this.writeBytes = new RateBucket(limits.shardWriteBytes, steady)
    this.writeRecords = new RateBucket(limits.shardWriteRecords, steady)
    this.readCalls = new RateBucket(limits.shardReadCalls, steady)
    this.readBytes = new RateBucket(limits.shardReadBytes, steady)
    this.iteratorCalls = new RateBucket(limits.shardIteratorCalls, steady)
    this.#keepRecords = options.keepRecords
    this.#random = options.random
  }

  /** Gives the sequence number. `data` is base64 text of `bytes` bytes. */
  append(data: string, bytes: number, partitionKey: string | undefined, arrivalMs: number): string {
    // Gaps of two at least: there is always a number between two records.
    const place = (this.lastPlace += 2 + Math.floor(this.#random() * 1_000))
    const number = sequenceNumber(this.prefix, place)
    this.#records.push({
      place,
      bytes,
      arrivalMs,
      wire: {
        SequenceNumber: number,
        ApproximateArrivalTimestamp: arrivalMs / 1_000,
        Data: data,
        PartitionKey: partitionKey,
        EncryptionType: 'NONE',
      },
    })
    if (this.#records.length - this.#trimmed > this.#keepRecords) this.#trimTo(this.#trimmed + 1)
    for (const wake of this.#watchers) wake()
    return number
  }

  close(atMs: number, children: readonly Shard[]): void {
    this.closedMs = atMs
    this.children.push(...children)
    for (const wake of this.#watchers) wake()
  }

  /** Calls back after each record and at the close, until the result is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake)
    return () => this.#watchers.delete(wake)
  }

  /** From the first record at or after `place` (trimmed ones are passed over), within both bounds, but one at least. */
  read(place: number, maxRecords: number, maxBytes: number): StoredRecord[] {
    const from = this.#indexOf(({ place: at }) => at >= place)
    let bytes = 0
    let to = from
    while (to < this.#records.length && to - from < maxRecords) {
      bytes += this.#records[to]!.bytes
      if (bytes > maxBytes && to > from) break
      to++
    }
    return this.#records.slice(from, to)
  }

  hasMore(place: number): boolean {
    return place <= this.#lastRecordPlace()
  }

  /** How far the reader that continues at `place` is behind the tip. */
  millisBehind(place: number, nowMs: number): number {
    if (!this.hasMore(place)) return 0
    return Math.max(
      0,
      Math.round(nowMs - this.#records[this.#indexOf(({ place: at }) => at >= place)]!.arrivalMs),
    )
  }

  /** The place of the first record that arrived then or later, or the one after the last. */
  placeAtTime(ms: number): number {
    return this.#records[this.#indexOf(({ arrivalMs }) => arrivalMs >= ms)]?.place ?? this.lastPlace + 1
  }

  /** Records that arrived before `ms` are gone. */
  trim(ms: number): void {
    this.#trimTo(this.#indexOf(({ arrivalMs }) => arrivalMs >= ms))
  }

  /** Records before this number are gone. */
  trimTo(number: string): void {
    this.#trimTo(this.#indexOf(({ wire }) => wire.SequenceNumber >= number))
  }

  /** What is there to read. */
  records(): readonly StoredRecord[] {
    return this.#records.slice(this.#trimmed)
  }

  numberAt(place: number): string {
    return sequenceNumber(this.prefix, place)
  }

  describe(): object {
    const [parent, adjacent] = this.parents
    return {
      ShardId: this.id,
      ...(parent !== undefined && { ParentShardId: parent }),
      ...(adjacent !== undefined && { AdjacentParentShardId: adjacent }),
      HashKeyRange: wireRange(this.range),
      SequenceNumberRange: {
        StartingSequenceNumber: this.numberAt(0),
        ...(this.closedMs !== undefined && { EndingSequenceNumber: this.numberAt(END_PLACE) }),
      },
    }
  }

  describeChildren(): object[] {
    return this.children.map((child) => ({
      ShardId: child.id,
      ParentShards: child.parents,
      HashKeyRange: wireRange(child.range),
    }))
  }

  #lastRecordPlace(): number {
    return this.#trimmed < this.#records.length ? this.#records.at(-1)!.place : -1
  }

  #trimTo(index: number): void {
    this.#trimmed = index
    if (this.#trimmed < 1_024 || this.#trimmed < this.#records.length / 2) return
    this.#records = this.#records.slice(this.#trimmed)
    this.#trimmed = 0
  }

  /** Of the first record that is late enough, by halving; trimmed ones are not asked. */
  #indexOf(lateEnough: (record: StoredRecord) => boolean): number {
    let low = this.#trimmed
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (lateEnough(this.#records[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }
}
