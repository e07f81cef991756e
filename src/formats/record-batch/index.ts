export { type EncodeBatchOptions, encodeBatch, encodedSize } from './encode.ts'
export {
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchLength,
  batchSize,
  codec,
  crc,
  HEADER_BYTES,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffset,
  lastOffsetDelta,
  leaderEpoch,
  magic,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordsCount,
  stampBatch,
} from './header.ts'
export { type BatchVerdict, verifyBatch } from './verify.ts'
