import type { Load } from './load.ts'

/** What a shard takes and gives, as AWS documents it. Bytes are of data and partition key. */
export const KINESIS_LIMITS = {
  shardRecordsPerSecond: 1_000,
  shardBytesPerSecond: 1_000_000,
  /** To all that poll it together; to each consumer of its own with fan-out. */
  shardReadBytesPerSecond: 2_097_152,
  shardReadCallsPerSecond: 5,
  fanOutConsumers: 20,
  /** At most so many bytes in an aggregate, KPL's default. */
  aggregateBytes: 51_200,
} as const

/** Lengths and indexes of a record within an aggregate. */
const AGGREGATED_RECORD_BYTES = 10

/** How many shards one use needs, and the limit that decides it. */
export interface ShardNeed {
  readonly shards: number
  readonly limit: 'records' | 'bytes'
}

export interface KinesisPlan {
  readonly writing: ShardNeed
  /** With `aggregate=true`. */
  readonly writingAggregated: ShardNeed
  readonly polling: {
    readonly shards: number
    /** How often each reader may ask a shard. Milliseconds. */
    readonly pollMs: number
  }
  readonly fanOut: {
    readonly shards: number
    readonly consumers: number
    /** Whether a stream may have so many (20; more on demand). */
    readonly withinLimit: boolean
  }
}

export function planKinesis({ recordsPerSecond, recordBytes, readers }: Load): KinesisPlan {
  const limits = KINESIS_LIMITS
  const bytesPerSecond = recordsPerSecond * recordBytes
  const aggregated = recordBytes + AGGREGATED_RECORD_BYTES
  const recordsAnAggregate = Math.max(1, Math.floor(limits.aggregateBytes / aggregated))
  return {
    writing: need(recordsPerSecond, bytesPerSecond),
    writingAggregated: need(recordsPerSecond / recordsAnAggregate, recordsPerSecond * aggregated),
    polling: {
      shards: atLeastOne((bytesPerSecond * readers) / limits.shardReadBytesPerSecond),
      pollMs: (1_000 / limits.shardReadCallsPerSecond) * Math.max(1, readers),
    },
    fanOut: {
      shards: atLeastOne(bytesPerSecond / limits.shardReadBytesPerSecond),
      consumers: readers,
      withinLimit: readers <= limits.fanOutConsumers,
    },
  }
}

function need(recordsPerSecond: number, bytesPerSecond: number): ShardNeed {
  const records = recordsPerSecond / KINESIS_LIMITS.shardRecordsPerSecond
  const bytes = bytesPerSecond / KINESIS_LIMITS.shardBytesPerSecond
  return { shards: atLeastOne(Math.max(records, bytes)), limit: records > bytes ? 'records' : 'bytes' }
}

const atLeastOne = (value: number): number => Math.max(1, Math.ceil(value))
