import { StreamError } from '../../errors.ts'
import type { Header } from '../../record.ts'
import { murmur2 } from '../murmur2.ts'
import { VarintReader } from '../varint.ts'
import { AbortedFilter, type AbortedTransaction, type IsAborted } from './aborted-filter.ts'
import * as field from './header.ts'
import { malformed } from './malformed.ts'
import { indexBatch, MAX_DECOMPRESSED_BYTES, type RecordIndex, SLOT } from './record-index.ts'
import { verifyBatch } from './verify.ts'

export interface RecordBatchViewOptions {
  /** Default: true. False where the bytes come from this process, or were verified before. */
  readonly verifyCrc?: boolean
  /** The first offset wanted; earlier records are skipped. Default: all. */
  readonly from?: number
  /** The offset before which to end. Default: none. */
  readonly until?: number
  /** Hides the records of aborted transactions (read_committed). Default: none are hidden. */
  readonly aborted?: readonly AbortedTransaction[] | IsAborted
  /** The most that one compressed batch may unpack to. Default: 128 MiB. */
  readonly maxDecompressedBytes?: number
}

/**
 * The visible records of one batch: `count` from the batch's record `skip` on, `first` in the view's
 * numbering.
 */
interface Span {
  readonly at: number
  readonly first: number
  readonly count: number
  readonly skip: number
  index: RecordIndex | undefined
}

// The records' places are kept as signed 32-bit integers.
const MAX_VIEW_BYTES = 0x7fffffff
const NO_HEADERS: readonly Header[] = Object.freeze([])

/**
 * A lazily decoded view of one or more whole record batches that follow each other in a buffer. Making it
 * reads the batches' headers and checks their CRCs; the records of a batch are found when one of them is
 * first touched, and no object is made for a record but the views that are asked for. Keys and values are
 * views of the buffer, which the caller must neither write to nor reuse meanwhile. Control batches are never
 * records.
 *
 * INTERNAL for malformed bytes, naming the offset: at once where the first batch is, at the first touch where
 * the records within a batch are. A malformed batch behind good ones ends the view before it, so that those
 * are delivered; the view made from there on throws.
 */
export class RecordBatchView {
  /** Records in the view. Known without decoding them, unless `from` or `until` cuts a compacted batch. */
  readonly count: number
  /** Bytes of the whole batches that the view went through, hidden ones included. */
  readonly sizeBytes: number
  /**
   * What the batch that the range cuts off needs, if there is one and the view reached it; else 0. From a
   * header that was not verified: to be held against a limit before it is allocated.
   */
  readonly partialBytes: number
  /**
   * Where to read on: after all records, hidden ones, control batches and holes. `from`, or 0, where there
   * was nothing.
   */
  readonly nextOffset: number
  /**
   * The newest timestamp of the last batch with records, from its header; undefined where the view has none.
   */
  readonly lastTimestamp: number | undefined

  readonly #buffer: Buffer
  readonly #spans: Span[] = []
  readonly #maxDecompressedBytes: number
  // The batch that was touched last, unpacked: records are nearly always looked at in order.
  #low = 0
  #high = 0
  #shift = 0
  #index!: RecordIndex
  #bytes!: Buffer
  #slots!: Int32Array

  constructor(buffer: Buffer, start = 0, end = buffer.length, options: RecordBatchViewOptions = {}) {
    if (end > buffer.length || end > MAX_VIEW_BYTES) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a view to ${end} of ${buffer.length} bytes: end within 2 GiB`,
      )
    }
    const { verifyCrc = true, from = 0, until = Number.POSITIVE_INFINITY } = options
    this.#buffer = buffer
    this.#maxDecompressedBytes = options.maxDecompressedBytes ?? MAX_DECOMPRESSED_BYTES
    const filter = options.aborted === undefined ? undefined : new AbortedFilter(options.aborted)
    let next = from
    let previous = -1
    let count = 0
    let partialBytes = 0
    let lastTimestamp: number | undefined
    let at = start
    while (at < end) {
      const verdict = verifyBatch(buffer, at, end, verifyCrc)
      if (verdict.kind === 'truncated') {
        partialBytes = verdict.size
        break
      }
      const base = field.readInt64(buffer, at)
      // Batches stand in the order of their offsets; going back would have a reader turn in a circle.
      if (verdict.kind === 'corrupt' || base <= previous) {
        if (next > from) break
        throw malformed(base, verdict.kind === 'corrupt' ? verdict.reason : `follows offset ${previous}`)
      }
      if (base >= until) break
      const last = base + field.lastOffsetDelta(buffer, at)
      if (last >= from && !this.#isHidden(at, base, last, filter)) {
        const span = this.#cut(at, base, last, from, until, count)
        if (span.count > 0) {
          this.#spans.push(span)
          count += span.count
          lastTimestamp = field.maxTimestamp(buffer, at)
        }
      }
      previous = last
      next = Math.max(next, Math.min(last + 1, until))
      at += verdict.size
    }
    this.count = count
    this.sizeBytes = at - start
    this.partialBytes = partialBytes
    this.nextOffset = next
    this.lastTimestamp = lastTimestamp
  }

  offset(i: number): number {
    const record = this.#locate(i)
    const { baseOffset, deltas } = this.#index
    return baseOffset + (deltas === undefined ? record : deltas[record]!)
  }

  /** Milliseconds since the epoch: the producer's time, or the broker's where the topic is set to that. */
  timestamp(i: number): number {
    const record = this.#locate(i)
    const { timestamps, timestamp } = this.#index
    return timestamps === undefined ? timestamp : timestamps[record]!
  }

  /** A view of the bytes, or null. */
  key(i: number): Buffer | null {
    const slot = this.#locate(i) * SLOT
    const length = this.#slots[slot + 1]!
    if (length < 0) return null
    const at = this.#slots[slot]!
    return this.#bytes.subarray(at, at + length)
  }

  /** A view of the bytes, or null: a tombstone. */
  value(i: number): Buffer | null {
    const slot = this.#locate(i) * SLOT
    const length = this.#slots[slot + 3]!
    if (length < 0) return null
    const at = this.#slots[slot + 2]!
    return this.#bytes.subarray(at, at + length)
  }

  /** False where no record of that batch has headers. Cheaper than `headers`, which need not be asked then. */
  mayHaveHeaders(i: number): boolean {
    this.#locate(i)
    return this.#index.hasHeaders
  }

  /** Decoded anew by each call; one shared, frozen, empty array where there are none. */
  headers(i: number): readonly Header[] {
    const slot = this.#locate(i) * SLOT
    const bytes = this.#bytes
    const reader = new VarintReader(
      bytes,
      this.#slots[slot + 2]! + Math.max(0, this.#slots[slot + 3]!),
      bytes.length,
    )
    const count = reader.varint()
    if (count === 0) return NO_HEADERS
    const headers: Header[] = []
    for (let h = 0; h < count; h++) {
      const nameLength = reader.varint()
      const name = bytes.toString('utf8', reader.at, (reader.at += nameLength))
      const length = reader.varint()
      headers.push({ name, value: length < 0 ? null : bytes.subarray(reader.at, (reader.at += length)) })
    }
    return headers
  }

  /**
   * An unsigned 32-bit hash of the key, for spreading records over lanes; equal keys have equal hashes.
   * Independent of murmur2 modulo anything, because a Kafka partition holds only keys whose murmur2 agree
   * modulo its partition count. A null key hashes its offset, so that records without one spread.
   */
  keyHash(i: number): number {
    const slot = this.#locate(i) * SLOT
    const length = this.#slots[slot + 1]!
    if (length < 0) return mix(this.offset(i))
    const at = this.#slots[slot]!
    return mix(murmur2(this.#bytes, at, at + length))
  }

  /**
   * Where to resume after record `i`; after the last one that is `nextOffset`, behind all that follows it.
   */
  nextOffsetAfter(i: number): number {
    return i === this.count - 1 ? this.nextOffset : this.offset(i) + 1
  }

  /** The number of record `i` within its batch, whose index is made current. */
  #locate(i: number): number {
    // Written so that NaN goes there too.
    if (!(i >= this.#low && i < this.#high)) this.#seek(i)
    return i + this.#shift
  }

  #seek(i: number): void {
    if (!(i >= 0 && i < this.count)) {
      throw new StreamError('INVALID_ARGUMENT', `no record ${i} in a view of ${this.count}: count from 0`)
    }
    let low = 0
    let high = this.#spans.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#spans[middle]!.first <= i) low = middle
      else high = middle - 1
    }
    const span = this.#spans[low]!
    const index = (span.index ??= indexBatch(this.#buffer, span.at, this.#maxDecompressedBytes))
    this.#index = index
    this.#bytes = index.bytes
    this.#slots = index.slots
    this.#low = span.first
    this.#high = span.first + span.count
    this.#shift = span.skip - span.first
  }

  #isHidden(at: number, base: number, last: number, filter: AbortedFilter | undefined): boolean {
    const buffer = this.#buffer
    const control = field.isControl(buffer, at)
    if (filter === undefined || !field.isTransactional(buffer, at)) return control
    const producer = field.producerId(buffer, at)
    if (control) filter.end(producer, last)
    return control || filter.isAborted(producer, base, last)
  }

  #cut(at: number, base: number, last: number, from: number, until: number, first: number): Span {
    const total = field.recordsCount(this.#buffer, at)
    let index: RecordIndex | undefined
    let skip = Math.max(0, from - base)
    let stop = Math.min(total, until - base)
    if (total !== last - base + 1) {
      skip = 0
      stop = total
      if (from > base || until <= last) {
        index = indexBatch(this.#buffer, at, this.#maxDecompressedBytes)
        const deltas = index.deltas!
        while (skip < total && base + deltas[skip]! < from) skip++
        while (stop > skip && base + deltas[stop - 1]! >= until) stop--
      }
    }
    return { at, first, count: stop - skip, skip, index }
  }
}

// The finalizer of MurmurHash3: every bit of the input reaches every bit of the result.
function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
