import type { Load } from './load.ts'

/** Kafka has no limit a partition; what one is commonly planned with, well below what a broker can do. */
export const KAFKA_ASSUMPTIONS = {
  partitionBytesPerSecond: 10_000_000,
  replicas: 3,
} as const

export interface KafkaPlan {
  readonly partitions: number
  readonly replicas: number
  /** All brokers together: what producers and replicas write to them. */
  readonly inBytesPerSecond: number
  /** What readers and replicas read from them. */
  readonly outBytesPerSecond: number
  /** On all disks, without compression. */
  readonly bytesADay: number
}

export function planKafka({ recordsPerSecond, recordBytes, readers }: Load): KafkaPlan {
  const { partitionBytesPerSecond, replicas } = KAFKA_ASSUMPTIONS
  const bytesPerSecond = recordsPerSecond * recordBytes
  return {
    partitions: Math.max(1, Math.ceil(bytesPerSecond / partitionBytesPerSecond)),
    replicas,
    inBytesPerSecond: bytesPerSecond * replicas,
    outBytesPerSecond: bytesPerSecond * (readers + replicas - 1),
    bytesADay: bytesPerSecond * replicas * 86_400,
  }
}
