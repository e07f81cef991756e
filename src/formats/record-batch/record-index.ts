import { decompress } from '../compression.ts'
import { VarintReader } from '../varint.ts'
import * as field from './header.ts'
import { malformed } from './malformed.ts'
import { MIN_RECORD_BYTES } from './verify.ts'

/**
 * Numbers per record in `slots`: where its key starts, the key's length, the same for its value; length -1 is
 * null.
 */
export const SLOT = 4

/** Default of `maxDecompressedBytes`: what one compressed batch may unpack to. */
export const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

/** Where the records of one batch stand: a few numbers each, every one of them checked against the bytes. */
export interface RecordIndex {
  /** What the slots point into: the batch's own buffer, or its decompressed records. */
  readonly bytes: Buffer
  readonly count: number
  readonly slots: Int32Array
  readonly baseOffset: number
  /** Offset deltas, where compaction left holes; undefined: record i has delta i. */
  readonly deltas: Int32Array | undefined
  /** Undefined: all records carry `timestamp`. */
  readonly timestamps: Float64Array | undefined
  readonly timestamp: number
  /** Whether any of the records has headers. */
  readonly hasHeaders: boolean
}

/**
 * Walks the records of the batch at `at` once, decompressing them first where need be. The batch has passed
 * `verifyBatch`. INTERNAL where lengths, counts or offsets contradict each other; nothing beyond the batch is
 * looked at, and nothing is allocated that its bytes do not justify.
 */
export function indexBatch(buffer: Buffer, at: number, maxBytes = MAX_DECOMPRESSED_BYTES): RecordIndex {
  const baseOffset = field.baseOffset(buffer, at)
  const count = field.recordsCount(buffer, at)
  const lastDelta = field.lastOffsetDelta(buffer, at)
  const codec = field.codec(buffer, at)
  let bytes = buffer
  let start = at + field.HEADER_BYTES
  let end = at + field.batchSize(buffer, at)
  if (codec !== 0) {
    try {
      bytes = decompress(codec, buffer.subarray(start, end), maxBytes)
    } catch (cause) {
      throw malformed(baseOffset, `has records that do not decompress (${(cause as Error).message})`, cause)
    }
    start = 0
    end = bytes.length
  }
  if (count * MIN_RECORD_BYTES > end - start)
    throw malformed(baseOffset, `claims ${count} records in ${end - start} bytes`)

  const appendTime = field.isLogAppendTime(buffer, at)
  const timestamp = appendTime ? field.maxTimestamp(buffer, at) : field.baseTimestamp(buffer, at)
  const slots = new Int32Array(count * SLOT)
  const dense = count === lastDelta + 1
  const deltas = dense ? undefined : new Int32Array(count)
  let timestamps: Float64Array | undefined
  let previous = -1
  let hasHeaders = false
  const reader = new VarintReader(bytes, start, end)
  for (let i = 0, slot = 0; i < count; i++, slot += SLOT) {
    const length = reader.varint()
    const recordEnd = reader.at + length
    reader.at++ // attributes, unused
    const timestampDelta = reader.varlong()
    if (timestampDelta !== 0 && !appendTime) {
      timestamps ??= new Float64Array(count).fill(timestamp)
      timestamps[i] = timestamp + timestampDelta
    }
    const delta = reader.varint()
    if (deltas !== undefined) deltas[i] = delta
    const keyLength = reader.varint()
    slots[slot] = reader.at
    slots[slot + 1] = keyLength
    if (keyLength > 0) reader.at += keyLength
    const valueLength = reader.varint()
    slots[slot + 2] = reader.at
    slots[slot + 3] = valueLength
    if (valueLength > 0) reader.at += valueLength
    const headers = reader.varint()
    if (headers !== 0) {
      hasHeaders = true
      skipHeaders(reader, headers, recordEnd)
    }
    if (
      reader.at !== recordEnd ||
      keyLength < -1 ||
      valueLength < -1 ||
      reader.overlong ||
      (dense ? delta !== i : delta <= previous || delta > lastDelta)
    ) {
      throw malformed(baseOffset, `has lengths or offsets that do not fit at its record ${i}`)
    }
    previous = delta
  }
  if (reader.at !== end) throw malformed(baseOffset, `has ${end - reader.at} bytes after its last record`)
  return { bytes, count, slots, baseOffset, deltas, timestamps, timestamp, hasHeaders }
}

// Marks the reader overlong where the headers are malformed. Every turn moves forward, so none runs for long.
function skipHeaders(reader: VarintReader, count: number, recordEnd: number): void {
  for (let i = 0; i < count; i++) {
    const nameLength = reader.varint()
    if (nameLength > 0) reader.at += nameLength
    const valueLength = reader.varint()
    if (valueLength > 0) reader.at += valueLength
    if (nameLength < 0 || valueLength < -1 || reader.at > recordEnd) break
    if (i === count - 1) return
  }
  reader.overlong = true
}
