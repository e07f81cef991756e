import { StreamError } from '../../../src/driver.ts'
import { baseOffset, HEADER_BYTES, lastOffset, verifyBatch } from '../../../src/formats/record-batch/index.ts'
import type { LogErrors } from './log-errors.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

const EMPTY = Buffer.alloc(0)
const HINTS = 64

/** Reads whole batches out of segments: one `pread` for a reader that goes on where it was, then CRCs. */
export class LogReader {
  readonly #segments: SegmentList
  readonly #errors: LogErrors
  /** Where the reads that go on will begin: by offset, the newest last. */
  readonly #hints = new Map<number, { readonly segment: Segment; readonly position: number }>()

  constructor(segments: SegmentList, errors: LogErrors) {
    this.#segments = segments
    this.#errors = errors
  }

  /**
   * Whole batches from the one that holds `offset`, or the first after it, with offsets below `limit`; at most `maxBytes`
   * unless the first is larger. From one segment at a time, which is enough: the last batch of a sealed segment is kept by
   * compaction. `offset` is below the log's end. INTERNAL where the first batch is damaged; damage behind good
   * batches ends the result before it.
   */
  async read(offset: number, maxBytes: number, limit: number): Promise<Buffer> {
    const segment = this.#segments.find(offset)
    segment.pin()
    try {
      return await this.#readSegment(segment, offset, maxBytes, limit)
    } catch (error) {
      // Deleted or replaced before its file was opened: another holds the offset now.
      if (!segment.isLive && !(error instanceof StreamError)) return await this.read(offset, maxBytes, limit)
      throw this.#errors.system(error, `read ${segment.logName}`)
    } finally {
      segment.unpin()
      this.#segments.touch(segment)
    }
  }

  async #readSegment(segment: Segment, offset: number, maxBytes: number, limit: number): Promise<Buffer> {
    const { sizeBytes: end, nextOffset: upper } = segment
    const hint = this.#hints.get(offset)
    let start =
      hint !== undefined && hint.segment === segment
        ? { position: hint.position, lastOffset: undefined as number | undefined }
        : (await segment.indexes()).lookup(offset)
    let rebuilt = false
    let { position } = start
    let want = Math.max(maxBytes, HEADER_BYTES)
    while (position < end) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(want, end - position))
      const length = await segment.file.read(buffer, 0, buffer.length, position)
      const found = findBatches(buffer, length, { offset, limit, upper, firstLast: start.lastOffset })
      if (found.end > found.from) {
        this.#remember(found.next, segment, position + found.end)
        return buffer.subarray(found.from, found.end)
      }
      if (found.isPastLimit) return EMPTY
      if (found.isWrongStart && !rebuilt) {
        // The index is never believed against the log.
        start = (await segment.rebuildIndexes()).lookup(offset)
        position = start.position
        rebuilt = true
        continue
      }
      position += found.end
      start = { position, lastOffset: undefined }
      let { reason } = found
      if (found.partialBytes > 0) {
        if (position + found.partialBytes > end) reason = `is cut off after ${end - position} bytes`
        else want = Math.max(want, found.partialBytes)
      }
      if (reason !== undefined) position = await this.#passDamage(segment, position, offset, reason)
    }
    throw this.#errors.damaged(
      segment.logName,
      offset,
      position,
      'is not there, a power failure took it',
      segment.isSealed ? segment.nextOffset : undefined,
    )
  }

  /** The place behind the damage where the batches before `offset` go on; rejects where the damage is at `offset`. */
  async #passDamage(segment: Segment, position: number, offset: number, reason: string): Promise<number> {
    const { damages } = await segment.scan(
      { from: position, offset: segment.baseOffset, upper: segment.nextOffset, verifyCrc: true },
      () => false,
    )
    const next = damages[0]?.next
    if (next != null && next.offset <= offset) return next.position
    const resume = next?.offset ?? (segment.isSealed ? segment.nextOffset : undefined)
    throw this.#errors.damaged(segment.logName, offset, position, reason, resume)
  }

  #remember(offset: number, segment: Segment, position: number): void {
    this.#hints.delete(offset)
    this.#hints.set(offset, { segment, position })
    if (this.#hints.size > HINTS) this.#hints.delete(this.#hints.keys().next().value!)
  }
}

interface Wanted {
  readonly offset: number
  readonly limit: number
  /** Where the segment's offsets end. */
  readonly upper: number
  /** The last offset of the first batch, as the index has it; undefined where it has none. */
  readonly firstLast: number | undefined
}

interface Found {
  /** The wanted batches are `buffer[from, end)`; where there are none, `end` is how far was looked. */
  readonly from: number
  readonly end: number
  readonly next: number
  readonly isPastLimit: boolean
  readonly isWrongStart: boolean
  /** What the batch at `end`, which the buffer cuts, needs. */
  readonly partialBytes: number
  /** What is wrong at `end`. */
  readonly reason: string | undefined
}

function findBatches(buffer: Buffer, length: number, wanted: Wanted): Found {
  const { offset, limit, upper, firstLast } = wanted
  let at = 0
  let from = -1
  let next = -1
  let partialBytes = 0
  let isPastLimit = false
  let isWrongStart = false
  let reason: string | undefined
  while (at < length) {
    // Batches before the wanted one are verified too: a wrong length would lead astray.
    const verdict = verifyBatch(buffer, at, length)
    if (at === 0 && firstLast !== undefined) {
      isWrongStart =
        length < HEADER_BYTES || verdict.kind === 'corrupt' || lastOffset(buffer, 0) !== firstLast
      if (isWrongStart) break
    }
    if (verdict.kind === 'corrupt') {
      reason = verdict.reason
      break
    }
    if (length - at >= HEADER_BYTES) {
      const last = lastOffset(buffer, at)
      if (baseOffset(buffer, at) < next || last >= upper) {
        // The CRC does not cover the base offset.
        reason = `has offsets ${baseOffset(buffer, at)} to ${last}, which cannot stand there`
        break
      }
      if (last >= offset && last >= limit) {
        isPastLimit = true
        break
      }
      if (verdict.kind === 'ok') {
        if (last >= offset && from < 0) from = at
        next = last + 1
      }
    }
    if (verdict.kind === 'truncated') {
      partialBytes = verdict.size
      break
    }
    at += verdict.size
  }
  return { from: from < 0 ? at : from, end: at, next, isPastLimit, isWrongStart, partialBytes, reason }
}
