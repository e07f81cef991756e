import { KINESIS_LIMITS } from './kinesis-plan.ts'
import type { MeasuredLoad, PartitionLoad } from './measure-load.ts'

/** A partition that carries more than its keys' share, or comes near what a shard takes. */
export interface HotPartition {
  readonly partition: string
  /** Times as much as its share of the hash space. */
  readonly heat: number
  /** How much of a shard's limit its busiest second used; above 1 it would be throttled on Kinesis. */
  readonly used: number
  /** `key`: one key alone is more than half of it, and a split would not spread that. */
  readonly cause: 'range' | 'key'
}

const HOT = 1.5
const NEARLY_FULL = 0.8
const ONE_KEY_SHARE = 0.5

/** The hottest first. */
export function hotPartitions(load: MeasuredLoad): HotPartition[] {
  return load.partitions
    .map((each): HotPartition => {
      const heat = each.shareOfKeys === 0 ? 0 : each.shareOfLoad / each.shareOfKeys
      const cause = (each.hotKey?.share ?? 0) > ONE_KEY_SHARE ? 'key' : 'range'
      return { partition: each.partition, heat, used: usedOf(each), cause }
    })
    .filter(({ heat, used }) => heat > HOT || used > NEARLY_FULL)
    .sort((a, b) => b.used - a.used || b.heat - a.heat)
}

function usedOf({ peakRecordsPerSecond, peakBytesPerSecond }: PartitionLoad): number {
  return Math.max(
    peakRecordsPerSecond / KINESIS_LIMITS.shardRecordsPerSecond,
    peakBytesPerSecond / KINESIS_LIMITS.shardBytesPerSecond,
  )
}
