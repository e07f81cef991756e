import { COMPRESSION_NAMES, compress, decompress } from '../../../src/formats/compression.ts'
import { crc32c } from '../../../src/formats/crc32c.ts'
import {
  ATTRIBUTES,
  attributes,
  BASE_TIMESTAMP,
  BATCH_LENGTH,
  CODEC_MASK,
  CRC,
  LENGTH_OVERHEAD,
  MAX_TIMESTAMP,
  RECORDS_COUNT,
  writeInt64,
} from '../../../src/formats/record-batch/header.ts'
import {
  baseTimestamp,
  batchSize,
  codec,
  HEADER_BYTES,
  isLogAppendTime,
  MAX_DECOMPRESSED_BYTES,
  maxTimestamp,
  recordsCount,
} from '../../../src/formats/record-batch/index.ts'
import { VarintReader, varlongLength, writeVarint, writeVarlong } from '../../../src/formats/varint.ts'

/**
 * Attribute bit 6 of a batch that compaction has seen with tombstones, or as a marker of a transaction without records:
 * the base timestamp field then says when those may go (KIP-534); record timestamps stay relative to that field.
 */
const DELETE_HORIZON = 0x40

/** When the batch's tombstones or its marker may be removed, milliseconds since the epoch; undefined before it was set. */
export function deleteHorizonMs(buffer: Buffer, at: number): number | undefined {
  return (attributes(buffer, at) & DELETE_HORIZON) === 0 ? undefined : baseTimestamp(buffer, at)
}

/**
 * The batch at `at` with those of its records for which `keep` holds, at least one. Offsets, sequence, codec and producer
 * stay; the largest timestamp becomes that of the records kept; `horizonMs` sets the delete horizon.
 */
export function rewriteBatch(
  buffer: Buffer,
  at: number,
  keep: (record: number) => boolean,
  horizonMs?: number,
): Buffer {
  const codecId = codec(buffer, at)
  const body = buffer.subarray(at + HEADER_BYTES, at + batchSize(buffer, at))
  const records = codecId === 0 ? body : decompress(codecId, body, MAX_DECOMPRESSED_BYTES)
  const oldBase = baseTimestamp(buffer, at)
  const newBase = horizonMs ?? oldBase
  const count = recordsCount(buffer, at)
  // Another base may make each delta longer, and the record's length with it.
  const plain = Buffer.allocUnsafeSlow(records.length + (newBase === oldBase ? 0 : count * 14))
  const reader = new VarintReader(records, 0, records.length)
  let end = 0
  let kept = 0
  let largest = -1
  for (let i = 0; i < count; i++) {
    const start = reader.at
    const length = reader.varint()
    const next = reader.at + length
    const flags = records[reader.at++]!
    const delta = reader.varlong()
    if (keep(i)) {
      kept++
      largest = Math.max(largest, oldBase + delta)
      if (newBase === oldBase) {
        end += records.copy(plain, end, start, next)
      } else {
        const newDelta = oldBase + delta - newBase
        end = writeVarint(plain, end, 1 + varlongLength(newDelta) + next - reader.at)
        plain[end++] = flags
        end = writeVarlong(plain, end, newDelta)
        end += records.copy(plain, end, reader.at, next)
      }
    }
    reader.at = next
  }
  const packed = compress(COMPRESSION_NAMES[codecId]!, plain.subarray(0, end))
  const flags = attributes(buffer, at) | (horizonMs === undefined ? 0 : DELETE_HORIZON)
  const newest = isLogAppendTime(buffer, at) ? maxTimestamp(buffer, at) : largest
  return sealed(buffer, at, packed, { count: kept, flags, base: newBase, newest })
}

/** The batch at `at` without any record: it tells offsets, the producer's sequence and its epoch. As Kafka's `writeEmptyHeader`. */
export function emptyBatch(buffer: Buffer, at: number): Buffer {
  const newest = maxTimestamp(buffer, at)
  const flags = attributes(buffer, at) & ~(CODEC_MASK | DELETE_HORIZON)
  return sealed(buffer, at, Buffer.alloc(0), { count: 0, flags, base: newest, newest })
}

interface NewHeader {
  readonly count: number
  readonly flags: number
  readonly base: number
  readonly newest: number
}

function sealed(buffer: Buffer, at: number, body: Buffer, header: NewHeader): Buffer {
  const batch = Buffer.allocUnsafeSlow(HEADER_BYTES + body.length)
  buffer.copy(batch, 0, at, at + HEADER_BYTES)
  batch.set(body, HEADER_BYTES)
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, BATCH_LENGTH)
  batch.writeInt16BE(header.flags, ATTRIBUTES)
  writeInt64(batch, BASE_TIMESTAMP, header.base)
  writeInt64(batch, MAX_TIMESTAMP, header.newest)
  batch.writeInt32BE(header.count, RECORDS_COUNT)
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES), CRC)
  return batch
}
