import { setImmediate } from 'node:timers/promises'
import { baseOffset, HEADER_BYTES, lastOffset, verifyBatch } from '../../../src/formats/record-batch/index.ts'
import type { StoreFile } from './store.ts'

/**
 * Sees the batch at `buffer[at]`, which stands at `position` of its file. The buffer is reused after the call.
 * `false` ends the scan behind this batch.
 */
export type BatchVisitor = (buffer: Buffer, at: number, position: number, size: number) => unknown

/** The bytes and offsets to walk through, and how closely to look. */
export interface ScanRange {
  /** Positions in the file; `from` is where a batch begins. */
  readonly from: number
  readonly to: number
  /** No batch has an offset below this one; with `dense` the first has just this. */
  readonly offset: number
  /** No batch has an offset at or above this one. */
  readonly upper: number
  /** Offsets follow each other without holes: no compaction was here. */
  readonly dense: boolean
  /** Compares the CRC too. Without it, a batch of more than a chunk is shown with its header alone. */
  readonly verifyCrc: boolean
}

/** A place where no valid batch begins. */
export interface Damage {
  readonly position: number
  /** The first offset that is not readable. */
  readonly offset: number
  /** Completes "the record batch …". */
  readonly reason: string
  /** The next valid batch; null: there is none, this is the end. */
  readonly next: { readonly position: number; readonly offset: number } | null
}

export interface ScanResult {
  /** Where the last valid batch ends. */
  readonly position: number
  readonly nextOffset: number
  readonly damages: readonly Damage[]
}

// Most scans look at a few headers only; those that go on read in large pieces.
const FIRST_CHUNK_BYTES = 64 * 1024
const CHUNK_BYTES = 1 << 20

/** Walks through batches in order, going on behind damaged places. Memory: one chunk, or the largest batch. */
export async function scanBatches(
  file: StoreFile,
  range: ScanRange,
  visit: BatchVisitor,
): Promise<ScanResult> {
  const damages: Damage[] = []
  let { from: position, offset, dense } = range
  let end = position
  while (position < range.to) {
    const stop = await scanValid(file, { ...range, from: position, offset, dense }, visit)
    end = stop.position
    offset = stop.offset
    if (stop.reason === undefined || stop.position >= range.to) break
    const next = await findBatch(file, end + 1, range.to, offset, range.upper)
    damages.push({ position: end, offset, reason: stop.reason, next })
    if (next === null) break
    position = next.position
    offset = next.offset
    dense = range.dense
  }
  return { position: end, nextOffset: offset, damages }
}

async function scanValid(
  file: StoreFile,
  range: ScanRange,
  visit: BatchVisitor,
): Promise<{ position: number; offset: number; reason?: string }> {
  const { to, upper, dense, verifyCrc } = range
  let { from: position, offset } = range
  let chunk = Buffer.allocUnsafeSlow(Math.min(FIRST_CHUNK_BYTES, to - position))
  while (position < to) {
    const length = await file.read(chunk, 0, Math.min(chunk.length, to - position), position)
    let at = 0
    while (at < length) {
      const verdict = verifyBatch(chunk, at, length, verifyCrc)
      const stop = (reason: string) => ({ position: position + at, offset, reason })
      if (verdict.kind === 'corrupt') return stop(verdict.reason)
      const { size } = verdict
      if (position + at + size > to) return stop(`is cut off after ${to - position - at} bytes`)
      if (verdict.kind === 'truncated') {
        if (at > 0) break
        if (verifyCrc || length < HEADER_BYTES) {
          if (size <= chunk.length) return stop('could not be read to its end')
          chunk = Buffer.allocUnsafeSlow(size)
          break
        }
      }
      const base = baseOffset(chunk, at)
      const last = lastOffset(chunk, at)
      if (base < offset || last >= upper || (dense && base !== offset)) {
        return stop(`has offsets ${base} to ${last} where ${offset} is due`)
      }
      offset = last + 1
      if (visit(chunk, at, position + at, size) === false) return { position: position + at + size, offset }
      at += size
    }
    position += at
    // A store in memory would otherwise keep the event loop until the end.
    if (chunk.length === CHUNK_BYTES) await setImmediate()
    if (chunk.length < Math.min(CHUNK_BYTES, to - position)) {
      chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, chunk.length * 4, to - position))
    }
  }
  return { position, offset }
}

/** The first valid batch that begins in `[from, to)`, its CRC included, with offsets in `[lowest, upper)`. */
async function findBatch(
  file: StoreFile,
  from: number,
  to: number,
  lowest: number,
  upper: number,
): Promise<{ position: number; offset: number } | null> {
  const chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(CHUNK_BYTES, to - from)))
  for (let start = from; start + HEADER_BYTES <= to; ) {
    const length = await file.read(chunk, 0, Math.min(chunk.length, to - start), start)
    let at = 0
    for (; at + HEADER_BYTES <= length; at++) {
      // The magic byte, 2, is at 16.
      const magicAt = chunk.indexOf(2, at + 16)
      at = magicAt < 0 ? length : magicAt - 16
      if (at + HEADER_BYTES > length) break
      const verdict = verifyBatch(chunk, at, length, false)
      if (verdict.kind === 'corrupt' || start + at + verdict.size > to) continue
      const offset = baseOffset(chunk, at)
      if (offset < lowest || lastOffset(chunk, at) >= upper) continue
      const whole = Buffer.allocUnsafeSlow(verdict.size)
      await file.read(whole, 0, whole.length, start + at)
      if (verifyBatch(whole, 0, whole.length).kind === 'ok') return { position: start + at, offset }
    }
    if (start + length >= to || length === 0) break
    start += Math.max(1, length - HEADER_BYTES + 1)
  }
  return null
}
