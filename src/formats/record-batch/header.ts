// Kafka's RecordBatch, magic 2: https://kafka.apache.org/documentation/#recordbatch. Everything is big-
// endian.
import { StreamError } from '../../errors.ts'

export const BASE_OFFSET = 0
export const BATCH_LENGTH = 8
export const LEADER_EPOCH = 12
export const MAGIC = 16
export const CRC = 17
/** The CRC covers all from here to the batch's end. */
export const ATTRIBUTES = 21
export const LAST_OFFSET_DELTA = 23
export const BASE_TIMESTAMP = 27
export const MAX_TIMESTAMP = 35
export const PRODUCER_ID = 43
export const PRODUCER_EPOCH = 51
export const BASE_SEQUENCE = 53
export const RECORDS_COUNT = 57
/** Bytes of a batch before its records. */
export const HEADER_BYTES = 61
/** Bytes that the batch-length field does not count: itself and the base offset. */
export const LENGTH_OVERHEAD = 12

export const CODEC_MASK = 0x07
export const LOG_APPEND_TIME = 0x08
export const TRANSACTIONAL = 0x10
export const CONTROL = 0x20

const TWO_32 = 0x1_0000_0000

/**
 * Readers over the header of the batch that starts at `at`. The caller has made sure that the header is
 * whole.
 */

/** INTERNAL where it is beyond 2^53, which no log reaches. */
export const baseOffset = (buffer: Buffer, at: number): number => readSafe(buffer, at + BASE_OFFSET, 'offset')
export const batchLength = (buffer: Buffer, at: number): number => buffer.readInt32BE(at + BATCH_LENGTH)
/** Bytes of the whole batch. */
export const batchSize = (buffer: Buffer, at: number): number => batchLength(buffer, at) + LENGTH_OVERHEAD
export const leaderEpoch = (buffer: Buffer, at: number): number => buffer.readInt32BE(at + LEADER_EPOCH)
export const magic = (buffer: Buffer, at: number): number => buffer.readInt8(at + MAGIC)
export const crc = (buffer: Buffer, at: number): number => buffer.readUInt32BE(at + CRC)
export const attributes = (buffer: Buffer, at: number): number => buffer.readInt16BE(at + ATTRIBUTES)
export const lastOffsetDelta = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + LAST_OFFSET_DELTA)
/** The offset of the batch's last record as it was written; compaction may have taken the record itself. */
export const lastOffset = (buffer: Buffer, at: number): number =>
  baseOffset(buffer, at) + lastOffsetDelta(buffer, at)
/** Milliseconds since the epoch; rounded where some client wrote one beyond 2^53. */
export const baseTimestamp = (buffer: Buffer, at: number): number => readInt64(buffer, at + BASE_TIMESTAMP)
/** The newest of the batch's records, in milliseconds since the epoch. */
export const maxTimestamp = (buffer: Buffer, at: number): number => readInt64(buffer, at + MAX_TIMESTAMP)
/** -1 without one. INTERNAL where it is beyond 2^53. */
export const producerId = (buffer: Buffer, at: number): number =>
  readSafe(buffer, at + PRODUCER_ID, 'producer id')
export const producerEpoch = (buffer: Buffer, at: number): number => buffer.readInt16BE(at + PRODUCER_EPOCH)
export const baseSequence = (buffer: Buffer, at: number): number => buffer.readInt32BE(at + BASE_SEQUENCE)
/** Records that are there: fewer than `lastOffsetDelta + 1` after compaction. */
export const recordsCount = (buffer: Buffer, at: number): number => buffer.readInt32BE(at + RECORDS_COUNT)
export const isTransactional = (buffer: Buffer, at: number): boolean =>
  (attributes(buffer, at) & TRANSACTIONAL) !== 0
export const isControl = (buffer: Buffer, at: number): boolean => (attributes(buffer, at) & CONTROL) !== 0
/** Every record carries `maxTimestamp`, the broker's time of arrival. */
export const isLogAppendTime = (buffer: Buffer, at: number): boolean =>
  (attributes(buffer, at) & LOG_APPEND_TIME) !== 0
/** Kafka's id of the compression codec. */
export const codec = (buffer: Buffer, at: number): number => attributes(buffer, at) & CODEC_MASK

/**
 * Sets what the log decides. Both fields lie outside the CRC, so a batch is stamped in place, without a new
 * one.
 */
export function stampBatch(
  buffer: Buffer,
  at: number,
  stamp: { readonly baseOffset: number; readonly leaderEpoch: number },
): void {
  writeInt64(buffer, at + BASE_OFFSET, stamp.baseOffset)
  buffer.writeInt32BE(stamp.leaderEpoch, at + LEADER_EPOCH)
}

/** A signed 64-bit integer, rounded to the nearest number beyond 2^53. No BigInt: this is on the hot path. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4)
}

/** Writes a safe integer as 64 bits. INVALID_ARGUMENT for other numbers. */
export function writeInt64(buffer: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value)) {
    throw new StreamError('INVALID_ARGUMENT', `${value} is no safe integer: give a whole number below 2^53`)
  }
  buffer.writeInt32BE(Math.floor(value / TWO_32), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}

function readSafe(buffer: Buffer, at: number, what: string): number {
  const value = readInt64(buffer, at)
  if (Number.isSafeInteger(value)) return value
  throw new StreamError(
    'INTERNAL',
    `record batch with ${what} ${value}, beyond what is safe: its bytes are damaged, fetch or restore them`,
  )
}
