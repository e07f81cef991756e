import { crc32c } from '../crc32c.ts'
import {
  ATTRIBUTES,
  BASE_OFFSET,
  batchSize,
  codec,
  crc,
  HEADER_BYTES,
  lastOffsetDelta,
  MAGIC,
  PRODUCER_ID,
  readInt64,
  recordsCount,
} from './header.ts'

/**
 * The smallest record: length, attributes, two deltas, null key, null value and no headers are one byte each.
 */
export const MIN_RECORD_BYTES = 7

export type BatchVerdict =
  /** A whole batch of `size` bytes. */
  | { readonly kind: 'ok'; readonly size: number }
  /**
   * The range ends within the batch; `size` is what the batch claims, or its header's where that is cut too.
   */
  | { readonly kind: 'truncated'; readonly size: number }
  /** No magic-2 batch, or not the bytes that were written; `reason` completes "the record batch …". */
  | { readonly kind: 'corrupt'; readonly reason: string }

const corrupt = (reason: string): BatchVerdict => ({ kind: 'corrupt', reason })

/**
 * Judges the batch that starts at `at` by its header and, unless `verifyCrc` is false, its CRC. Nothing at or
 * beyond `end` is read. Records are not decoded: that a batch is `ok` says that it is as its producer wrote
 * it.
 */
export function verifyBatch(buffer: Buffer, at: number, end: number, verifyCrc = true): BatchVerdict {
  const limit = Math.min(end, buffer.length)
  // Magic first, as soon as it is there: magic 0 and 1 have another layout, and zeros are no truncated batch.
  if (at + MAGIC < limit && buffer[at + MAGIC] !== 2) {
    return corrupt(`has magic ${buffer.readInt8(at + MAGIC)}, not 2`)
  }
  if (at + HEADER_BYTES > limit) return { kind: 'truncated', size: HEADER_BYTES }
  const size = batchSize(buffer, at)
  if (size < HEADER_BYTES) return corrupt(`claims ${size} bytes, less than its header`)
  const count = recordsCount(buffer, at)
  const lastDelta = lastOffsetDelta(buffer, at)
  if (lastDelta < 0) return corrupt(`has last offset delta ${lastDelta}`)
  // Offsets within a batch are distinct, so no more records than offsets; compaction leaves fewer.
  if (count < 0 || count > lastDelta + 1)
    return corrupt(`claims ${count} records in ${lastDelta + 1} offsets`)
  if (codec(buffer, at) === 0 && count * MIN_RECORD_BYTES > size - HEADER_BYTES) {
    return corrupt(`claims ${count} records in ${size - HEADER_BYTES} bytes`)
  }
  const base = readInt64(buffer, at + BASE_OFFSET)
  if (base < 0 || !Number.isSafeInteger(base + lastDelta + 1)) return corrupt(`claims base offset ${base}`)
  const producer = readInt64(buffer, at + PRODUCER_ID)
  if (producer < -1 || !Number.isSafeInteger(producer)) return corrupt(`claims producer id ${producer}`)
  if (at + size > limit) return { kind: 'truncated', size }
  if (verifyCrc && crc32c(buffer, at + ATTRIBUTES, at + size) !== crc(buffer, at)) {
    return corrupt('does not match its CRC')
  }
  return { kind: 'ok', size }
}
