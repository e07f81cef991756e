import { createHash } from 'node:crypto'
import { StreamError } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'

/** Which of `count` partitions a key belongs to. */
export type Partitioner = (key: Uint8Array, count: number) => number

export const PARTITIONERS: Readonly<Record<'kafka' | 'kinesis', Partitioner>> = {
  /** As Kafka's own clients: murmur2, made positive, modulo. */
  kafka: (key, count) => (murmur2(key) & 0x7fffffff) % count,
  /**
   * As a Kinesis stream of `count` even shards: the MD5 of the key, a 128-bit number, in equal ranges. For topics migrated from
   * Kinesis, whose keys then stay together and in order.
   */
  kinesis(key, count) {
    const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
    // Kinesis gives each shard 2^128 / count hashes, rounded down, and the last one what is over.
    const shard = hash / ((1n << 128n) / BigInt(count))
    return Math.min(count - 1, Number(shard))
  },
}

/** INVALID_ARGUMENT for an unknown name. */
export function partitionerNamed(name: string): Partitioner {
  if (name === 'kafka' || name === 'kinesis') return PARTITIONERS[name]
  throw new StreamError(
    'INVALID_ARGUMENT',
    `partitioner=${name}: give kafka (murmur2) or kinesis (MD5 ranges)`,
  )
}
