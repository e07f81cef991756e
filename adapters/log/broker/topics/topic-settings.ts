import type { CompressionName } from '../../../../src/formats/compression.ts'

/** How a topic is kept; plain data. */
export interface TopicSettings {
  /** Records are kept for so long, milliseconds; null keeps them all. */
  readonly retentionMs: number | null
  /** So many bytes a partition are kept; null keeps them all. */
  readonly retentionBytes: number | null
  /** Only the newest record of each key is kept. */
  readonly compacted: boolean
  /** Largest record: bytes of key, value and headers. */
  readonly maxRecordBytes: number
  readonly compression: CompressionName
  /** A segment is closed when it is so large; retention and compaction work on closed ones. */
  readonly segmentBytes: number
}
