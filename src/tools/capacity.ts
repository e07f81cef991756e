import { StreamError } from '../index.ts'
import { type KafkaPlan, planKafka } from './capacity/kafka-plan.ts'
import { type KinesisPlan, planKinesis } from './capacity/kinesis-plan.ts'
import type { Load } from './capacity/load.ts'

export { type HotPartition, hotPartitions } from './capacity/hot-partitions.ts'
export { KAFKA_ASSUMPTIONS, type KafkaPlan } from './capacity/kafka-plan.ts'
export { KINESIS_LIMITS, type KinesisPlan, type ShardNeed } from './capacity/kinesis-plan.ts'
export type { Load } from './capacity/load.ts'
export {
  type MeasuredLoad,
  type MeasureOptions,
  measureLoad,
  type PartitionLoad,
} from './capacity/measure-load.ts'

export interface CapacityPlan {
  /** What was planned for, room to spare included. */
  readonly load: Load
  readonly kinesis: KinesisPlan
  readonly kafka: KafkaPlan
}

/** What a load needs on Kinesis and on Kafka. `headroom`: 0.2 plans for a fifth more. Default: 0.2. Throws INVALID_ARGUMENT. */
export function planCapacity(load: Load, { headroom = 0.2 } = {}): CapacityPlan {
  for (const [name, value] of Object.entries({ ...load, headroom })) {
    if (!Number.isFinite(value) || value < 0) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `${name}: ${value} cannot be planned for. Give a number from 0 on`,
      )
    }
  }
  const planned = { ...load, recordsPerSecond: load.recordsPerSecond * (1 + headroom) }
  return { load: planned, kinesis: planKinesis(planned), kafka: planKafka(planned) }
}
