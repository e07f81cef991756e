import type { _Record } from '@aws-sdk/client-kinesis'
import { compareSequences, type ResumePoint } from '../positions.ts'
import { Aggregate, beginsLikeAggregate } from '../records/index.ts'
import type { ReadEnd } from './read-end.ts'
import { SeenOrigins } from './seen-origins.ts'
import { arrivalOf, ShardRecords } from './shard-records.ts'

/** What is to be handed out of one delivery. */
export interface Unpacked {
  readonly records: ShardRecords
  /** Where reading stands after it; undefined where it stands where it stood. */
  readonly end: ResumePoint | undefined
  /** The reader's end lies within. */
  readonly done: boolean
}

export interface HashRange {
  readonly from: bigint
  readonly to: bigint
}

const ALL_HASH_KEYS = 1n << 128n

/**
 * Turns what the service gives into records, in order: takes aggregates apart, and leaves out what lies before the start or behind the end, what an
 * aggregate brought into a shard whose range it does not belong to, and doubles where that is asked for.
 */
export class Unpacker {
  readonly #end: ReadEnd
  /** Undefined where the shard takes every key. */
  readonly #range: HashRange | undefined
  readonly #seen: SeenOrigins | undefined
  /** Nothing up to here is given: it was before, or the start is behind it. */
  #sequence: string | undefined
  #sub = 0
  /** Nothing older is given until the first that is not. */
  #fromTimestamp: number | undefined
  #fromArrival: number | undefined

  constructor(start: ResumePoint, end: ReadEnd, range: HashRange, dedupe: boolean) {
    this.#end = end
    this.#range = range.to - range.from + 1n === ALL_HASH_KEYS ? undefined : range
    this.#seen = dedupe ? new SeenOrigins() : undefined
    if (start.kind === 'after') {
      this.#sequence = start.sequence
      this.#sub = start.sub
    } else if (start.kind === 'time') this.#fromTimestamp = start.timestamp
    else if (start.kind === 'latest') this.#fromArrival = start.since
  }

  unpack(raws: readonly _Record[]): Unpacked {
    const sub = this.#sub
    const resumed = this.#sequence
    const first = this.#skipRead(raws)
    const to = this.#findEnd(raws, first)
    const last = raws.at(-1)
    if (first < raws.length) {
      this.#sequence = last!.SequenceNumber
      this.#sub = Number.POSITIVE_INFINITY
    }
    const aggregates = readAggregates(raws, first, to)
    // Of the record in which reading stopped, or from which it starts, what is behind that place is left.
    const begun = first < to && raws[first]!.SequenceNumber === resumed ? sub : -1
    const plain =
      aggregates === undefined &&
      begun < 0 &&
      this.#seen === undefined &&
      this.#fromTimestamp === undefined &&
      this.#end.timestamp === undefined
    if (plain) {
      const end = to > first ? behind(raws[to - 1]!, 0) : undefined
      return {
        records: ShardRecords.plain(raws, first, to),
        end,
        done: to < raws.length || this.#passes(last),
      }
    }
    return this.#pick(raws, first, to, begun, aggregates ?? [])
  }

  #pick(
    raws: readonly _Record[],
    first: number,
    to: number,
    begun: number,
    aggregates: readonly (Aggregate | undefined)[],
  ): Unpacked {
    let most = 0
    for (let at = first; at < to; at++) most += aggregates[at]?.count ?? 1
    const items = new Int32Array(most * 2)
    let length = 0
    let end: ResumePoint | undefined
    let done = to < raws.length || this.#passes(raws.at(-1))
    walk: for (let at = first; at < to; at++) {
      const raw = raws[at]!
      const aggregate = aggregates[at]
      const count = aggregate?.count ?? 1
      for (let inside = at === first ? begun + 1 : 0; inside < count; inside++) {
        if (this.#isEnd(raw, aggregate, inside)) {
          done = true
          if (inside > 0) end = behind(raw, inside - 1)
          break walk
        }
        if (!this.#isWanted(raw, aggregate, inside)) continue
        items[length++] = at
        items[length++] = inside
      }
      end = behind(raw, Math.max(0, count - 1))
    }
    // Whoever resumes among records that are still too old has to look for the first again.
    if (this.#fromTimestamp !== undefined) end = undefined
    return { records: ShardRecords.mixed(raws, items.subarray(0, length), aggregates), end, done }
  }

  #isEnd(raw: _Record, aggregate: Aggregate | undefined, inside: number): boolean {
    const { before, timestamp } = this.#end
    if (before !== undefined && raw.SequenceNumber === before.sequence && inside >= before.sub) return true
    return timestamp !== undefined && timestampOf(raw, aggregate, inside) >= timestamp
  }

  #isWanted(raw: _Record, aggregate: Aggregate | undefined, inside: number): boolean {
    const range = this.#range
    if (range !== undefined && aggregate !== undefined) {
      const hashKey = aggregate.hashKey(inside)
      if (hashKey < range.from || hashKey > range.to) return false
    }
    if (this.#fromTimestamp !== undefined) {
      if (timestampOf(raw, aggregate, inside) < this.#fromTimestamp) return false
      this.#fromTimestamp = undefined
    }
    if (this.#seen === undefined) return true
    const origin = aggregate?.origin(inside)
    return origin === undefined || !this.#seen.sawBefore(origin)
  }

  /** The first of them that is not left out as a whole because of where reading began. */
  #skipRead(raws: readonly _Record[]): number {
    let first = 0
    while (first < raws.length && !isNewer(this.#sequence, raws[first]!)) {
      if (raws[first]!.SequenceNumber === this.#sequence && this.#sub !== Number.POSITIVE_INFINITY) break
      first++
    }
    if (this.#fromArrival === undefined) return first
    while (first < raws.length && arrivalOf(raws[first]!) < this.#fromArrival) first++
    if (first < raws.length) this.#fromArrival = undefined
    return first
  }

  /** The first of them that is left out as a whole because reading ends before it. */
  #findEnd(raws: readonly _Record[], first: number): number {
    const { before, arrivedBefore } = this.#end
    let to = raws.length
    if (before !== undefined) {
      while (to > first) {
        const order = compareSequences(raws[to - 1]!.SequenceNumber!, before.sequence)
        if (order < 0 || (order === 0 && before.sub > 0)) break
        to--
      }
    }
    if (arrivedBefore !== undefined) {
      for (let at = first; at < to; at++) if (arrivalOf(raws[at]!) >= arrivedBefore) return at
    }
    return to
  }

  /** Whether nothing that comes after it is read. */
  #passes(last: _Record | undefined): boolean {
    const { before } = this.#end
    if (before === undefined || last === undefined) return false
    return compareSequences(last.SequenceNumber!, before.sequence) >= 0
  }
}

function readAggregates(
  raws: readonly _Record[],
  first: number,
  to: number,
): (Aggregate | undefined)[] | undefined {
  const places: number[] = []
  for (let at = first; at < to; at++) if (beginsLikeAggregate(raws[at]!.Data!)) places.push(at)
  const found = Aggregate.readAll(places.map((at) => raws[at]!.Data!))
  if (found.every((aggregate) => aggregate === undefined)) return undefined
  const aggregates = new Array<Aggregate | undefined>(to)
  found.forEach((aggregate, i) => {
    aggregates[places[i]!] = aggregate
  })
  return aggregates
}

const timestampOf = (raw: _Record, aggregate: Aggregate | undefined, inside: number): number =>
  aggregate?.timestamp(inside) ?? arrivalOf(raw)

const isNewer = (than: string | undefined, { SequenceNumber }: _Record): boolean =>
  than === undefined || compareSequences(SequenceNumber!, than) > 0

const behind = (raw: _Record, sub: number): ResumePoint => ({
  kind: 'after',
  sequence: raw.SequenceNumber!,
  sub,
  arrival: arrivalOf(raw),
})
