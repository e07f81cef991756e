export type { AbortedTransaction, IsAborted } from './aborted-filter.ts'
export { RecordBatchView, type RecordBatchViewOptions } from './batch-view.ts'
export {
  type ControlBatchOptions,
  type ControlMarker,
  encodeControlBatch,
  readControlMarker,
} from './control.ts'
export { type EncodeBatchOptions, encodeBatch, encodedSize } from './encode.ts'
export { type FetchedFrom, FetchedRecords } from './fetched-records.ts'
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
export { indexBatch, MAX_DECOMPRESSED_BYTES, type RecordIndex } from './record-index.ts'
export { type BatchVerdict, verifyBatch } from './verify.ts'
