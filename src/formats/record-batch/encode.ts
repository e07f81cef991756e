import { StreamError } from '../../errors.ts'
import type { EncodedRecord, Header } from '../../record.ts'
import { type CompressionName, compress, compressionId } from '../compression.ts'
import { crc32c } from '../crc32c.ts'
import { varintLength, varlongLength, writeVarint, writeVarlong } from '../varint.ts'
import * as field from './header.ts'

export interface EncodeBatchOptions {
  /** For records without their own, in milliseconds since the epoch. */
  readonly timestamp: number
  /** Default: 0, for the log or the broker to stamp. */
  readonly baseOffset?: number
  /** Default: -1, no idempotence. */
  readonly producerId?: number
  /** Default: -1. */
  readonly producerEpoch?: number
  /** Default: -1. */
  readonly baseSequence?: number
  /** Default: false. */
  readonly transactional?: boolean
  /** Default: 'none'. */
  readonly compression?: CompressionName
  /**
   * Gives the batch's memory, of exactly the size asked for, which may hold anything. For callers that have
   * written a batch out and use its memory again: fresh pages cost a quarter of the encoding. Default: memory
   * of its own.
   */
  readonly allocate?: (sizeBytes: number) => Buffer
}

const MAX_BATCH_BYTES = 0x7fffffff

// Up to here a loop beats the call of `set`, which costs some 10 ns whatever the length.
const LOOP_BYTES = 12

/**
 * One record batch of `records[indexes[from]] … records[indexes[to - 1]]`, in that order; without `indexes`,
 * of `records[from] … records[to - 1]`. The result is the caller's: it is never written to again, and the
 * records' bytes are copied into it. Leader epoch 0, to be stamped. INVALID_ARGUMENT for an empty range or a
 * timestamp that is no whole number, RECORD_TOO_LARGE beyond 2 GiB.
 */
export function encodeBatch(
  records: readonly EncodedRecord[],
  indexes: ArrayLike<number> | undefined,
  from: number,
  to: number,
  options: EncodeBatchOptions,
): Buffer {
  const count = to - from
  if (!(count > 0)) throw new StreamError('INVALID_ARGUMENT', 'a batch of no records: give at least one')
  const first = records[indexes === undefined ? from : indexes[from]!]!
  const base = first.timestamp ?? options.timestamp

  // One pass for the size. The bodies' lengths are kept: the second pass writes them before the bodies.
  const lengths = count <= scratch.length ? scratch : new Int32Array(count)
  let size = field.HEADER_BYTES
  let max = base
  for (let i = 0; i < count; i++) {
    const record = records[indexes === undefined ? from + i : indexes[from + i]!]!
    const timestamp = record.timestamp ?? options.timestamp
    if (timestamp > max) max = timestamp
    const { key, value, headers } = record
    // attributes, timestamp delta, offset delta
    let length = 1 + (timestamp === base ? 1 : varlongLength(timestamp - base)) + varintLength(i)
    length += key === null ? 1 : varintLength(key.length) + key.length
    length += value === null ? 1 : varintLength(value.length) + value.length
    length += headers.length === 0 ? 1 : headersSize(headers)
    lengths[i] = length
    size += varintLength(length) + length
  }
  if (size > MAX_BATCH_BYTES) {
    throw new StreamError(
      'RECORD_TOO_LARGE',
      `a batch of ${size} bytes, above the format's 2 GiB: send fewer`,
    )
  }

  const compressed = options.compression !== undefined && options.compression !== 'none'
  const buffer = compressed ? Buffer.allocUnsafe(size) : (options.allocate ?? Buffer.allocUnsafe)(size)
  let at = field.HEADER_BYTES
  for (let i = 0; i < count; i++) {
    const record = records[indexes === undefined ? from + i : indexes[from + i]!]!
    const { key, value, headers } = record
    at = writeVarint(buffer, at, lengths[i]!)
    buffer[at++] = 0
    at = writeVarlong(buffer, at, (record.timestamp ?? options.timestamp) - base)
    at = writeVarint(buffer, at, i)
    at = writeBytes(buffer, at, key)
    at = writeBytes(buffer, at, value)
    if (headers.length === 0) buffer[at++] = 0
    else at = writeHeaders(buffer, at, headers)
  }
  return sealBatch(
    buffer,
    count,
    base,
    max,
    options,
    options.transactional === true ? field.TRANSACTIONAL : 0,
  )
}

// Reused between calls, which never overlap: encoding is synchronous.
const scratch = new Int32Array(16_384)

/**
 * An upper bound of what the record adds to an uncompressed batch, in bytes; a batch adds `HEADER_BYTES` of
 * its own.
 */
export function encodedSize(record: EncodedRecord): number {
  const { key, value, headers } = record
  // At most 5 for the length, 1 attributes, 10 timestamp delta, 5 offset delta.
  let size = 21
  size += key === null ? 1 : varintLength(key.length) + key.length
  size += value === null ? 1 : varintLength(value.length) + value.length
  return size + headersSize(headers)
}

/** Compresses the records of a plain batch where asked to, and writes its header and CRC. */
function sealBatch(
  plain: Buffer,
  count: number,
  baseTimestamp: number,
  maxTimestamp: number,
  options: Omit<EncodeBatchOptions, 'timestamp'>,
  flags: number,
): Buffer {
  const compression = options.compression ?? 'none'
  let buffer = plain
  if (compression !== 'none') {
    const body = compress(compression, plain.subarray(field.HEADER_BYTES))
    buffer = (options.allocate ?? Buffer.allocUnsafe)(field.HEADER_BYTES + body.length)
    buffer.set(body, field.HEADER_BYTES)
  }
  field.writeInt64(buffer, field.BASE_OFFSET, options.baseOffset ?? 0)
  buffer.writeInt32BE(buffer.length - field.LENGTH_OVERHEAD, field.BATCH_LENGTH)
  buffer.writeInt32BE(0, field.LEADER_EPOCH)
  buffer[field.MAGIC] = 2
  buffer.writeInt16BE(compressionId(compression) | flags, field.ATTRIBUTES)
  buffer.writeInt32BE(count - 1, field.LAST_OFFSET_DELTA)
  field.writeInt64(buffer, field.BASE_TIMESTAMP, baseTimestamp)
  field.writeInt64(buffer, field.MAX_TIMESTAMP, maxTimestamp)
  field.writeInt64(buffer, field.PRODUCER_ID, options.producerId ?? -1)
  buffer.writeInt16BE(options.producerEpoch ?? -1, field.PRODUCER_EPOCH)
  buffer.writeInt32BE(options.baseSequence ?? -1, field.BASE_SEQUENCE)
  buffer.writeInt32BE(count, field.RECORDS_COUNT)
  buffer.writeUInt32BE(crc32c(buffer, field.ATTRIBUTES), field.CRC)
  return buffer
}

function writeBytes(buffer: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[at] = 1 // zig-zag -1
    return at + 1
  }
  const length = bytes.length
  at = writeVarint(buffer, at, length)
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) buffer[at + i] = bytes[i]!
  else buffer.set(bytes, at)
  return at + length
}

function headersSize(headers: readonly Header[]): number {
  let size = varintLength(headers.length)
  for (const { name, value } of headers) {
    const length = Buffer.byteLength(name)
    size += varintLength(length) + length
    size += value === null ? 1 : varintLength(value.length) + value.length
  }
  return size
}

function writeHeaders(buffer: Buffer, at: number, headers: readonly Header[]): number {
  at = writeVarint(buffer, at, headers.length)
  for (const { name, value } of headers) {
    const length = Buffer.byteLength(name)
    at = writeVarint(buffer, at, length)
    buffer.write(name, at, 'utf8')
    at = writeBytes(buffer, at + length, value)
  }
  return at
}
