import type { Logger } from '../../../src/driver.ts'
import type { LogErrors } from './log-errors.ts'
import type { FsyncMode } from './syncer.ts'

export interface PartitionLogOptions {
  /** A segment is sealed before it would grow beyond this. Bytes, at most 2^31 - 1. Default: 128 MiB. */
  readonly segmentBytes?: number
  /** A segment is sealed when it was begun so long ago. Milliseconds. Default: 7 days. */
  readonly segmentMs?: number
  /** The most bytes that a reader may have to pass over to find an offset. Default: 4096. */
  readonly indexIntervalBytes?: number
  /** Sealed segments are deleted when their newest record is older. Milliseconds. Default: Infinity. */
  readonly retentionMs?: number
  /** The oldest sealed segments are deleted while the log would still have so many bytes without them. Default: Infinity. */
  readonly retentionBytes?: number
  /** Whether `compact` may remove records whose key has a newer one. Default: false. */
  readonly compacted?: boolean
  /** How long compaction keeps tombstones and transaction markers. Milliseconds. Default: one day. */
  readonly deleteRetentionMs?: number
  /** The most keys that one round of compaction holds in memory; it does as many rounds as it needs. Default: 1,000,000. */
  readonly compactionKeys?: number
  /** When appends reach the disk. Default: `{ intervalMs: 1000 }`. `never` still syncs sealed segments, beside the appends. */
  readonly fsync?: FsyncMode
  readonly logger: Logger
  /** The clock, milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number
}

export type PartitionLogSettings = Required<PartitionLogOptions>

const DAY_MS = 24 * 60 * 60 * 1000
const DEFAULTS = {
  segmentBytes: 128 * 1024 * 1024,
  segmentMs: 7 * DAY_MS,
  indexIntervalBytes: 4096,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  compacted: false,
  deleteRetentionMs: DAY_MS,
  compactionKeys: 1_000_000,
  fsync: { intervalMs: 1000 },
  now: Date.now,
} as const

/** The options with their defaults; keys that are undefined count as absent. INVALID_ARGUMENT for values out of range. */
export function partitionLogSettings(
  options: Partial<PartitionLogOptions>,
  base: PartitionLogSettings | { logger: Logger },
  errors: LogErrors,
): PartitionLogSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings: PartitionLogSettings = { ...DEFAULTS, ...base, ...Object.fromEntries(given) }
  const { fsync } = settings
  const numbers: [string, number, number, number][] = [
    ['segmentBytes', settings.segmentBytes, 1, MAX_SEGMENT_BYTES],
    ['segmentMs', settings.segmentMs, 1, Number.POSITIVE_INFINITY],
    ['indexIntervalBytes', settings.indexIntervalBytes, 0, MAX_SEGMENT_BYTES],
    ['retentionMs', settings.retentionMs, 0, Number.POSITIVE_INFINITY],
    ['retentionBytes', settings.retentionBytes, 0, Number.POSITIVE_INFINITY],
    ['deleteRetentionMs', settings.deleteRetentionMs, 0, Number.POSITIVE_INFINITY],
    ['compactionKeys', settings.compactionKeys, 1, 16_000_000],
    ['fsync.intervalMs', typeof fsync === 'string' ? 1 : fsync.intervalMs, 1, 0x7fffffff],
  ]
  for (const [name, value, least, most] of numbers) {
    if (value >= least && value <= most) continue
    throw errors.of('INVALID_ARGUMENT', `${name} is ${value}: give a number from ${least} to ${most}`)
  }
  return settings
}

// Index entries hold positions as int32.
const MAX_SEGMENT_BYTES = 0x7fffffff
