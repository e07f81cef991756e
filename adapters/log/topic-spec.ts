import { StreamError, type TopicSpec } from '../../src/driver.ts'
import { COMPRESSION_NAMES, type CompressionName } from '../../src/formats/compression.ts'
import type { TopicSettings } from './broker/topics/topic-settings.ts'

const SMALLEST_SEGMENT_BYTES = 16 * 1024

/** The settings of a new topic: what its spec says, else the defaults of the connection. INVALID_ARGUMENT for what makes no sense. */
export function toSettings(spec: TopicSpec, defaults: TopicSettings): TopicSettings {
  const retentionBytes = bound('retentionBytes', spec.retentionBytes, defaults.retentionBytes)
  const { segmentBytes, ...unknown } = spec.settings ?? {}
  const names = Object.keys(unknown)
  if (names.length > 0) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `topic '${spec.name}': unknown settings ${names.join(', ')}: the log knows segmentBytes`,
      { topic: spec.name },
    )
  }
  return {
    retentionMs: bound('retentionMs', spec.retentionMs, defaults.retentionMs),
    retentionBytes,
    compacted: spec.compacted ?? defaults.compacted,
    maxRecordBytes: positive('maxRecordBytes', spec.maxRecordBytes ?? defaults.maxRecordBytes),
    compression: toCompression(spec.compression ?? defaults.compression),
    segmentBytes:
      segmentBytes === undefined
        ? fitting(defaults.segmentBytes, retentionBytes)
        : positive('segmentBytes', Number(segmentBytes)),
  }
}

/** INVALID_ARGUMENT for unknown names. */
export function toCompression(name: string): CompressionName {
  const found = COMPRESSION_NAMES.find((known) => known === name)
  if (found !== undefined) return found
  throw new StreamError(
    'INVALID_ARGUMENT',
    `compression '${name}': give one of ${COMPRESSION_NAMES.join(', ')}`,
  )
}

/** INVALID_ARGUMENT for what is no whole number above 0. */
export function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new StreamError('INVALID_ARGUMENT', `${name} ${value}: give a whole number above 0`)
}

/** Infinity is no bound: null. */
function bound(name: string, value: number | undefined, fallback: number | null): number | null {
  if (value === undefined) return fallback
  return value === Number.POSITIVE_INFINITY ? null : positive(name, value)
}

/** Retention removes whole segments, so there must be several within its bound. */
function fitting(segmentBytes: number, retentionBytes: number | null): number {
  if (retentionBytes === null) return segmentBytes
  return Math.min(segmentBytes, Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(retentionBytes / 4)))
}
