import { md5Number } from '../../adapters/kinesis/records/index.ts'

/** Even ranges of hash keys. */
export function rangeOf(shard: number, shards: number): { from: bigint; to: bigint } {
  const width = (1n << 128n) / BigInt(shards)
  const from = width * BigInt(shard)
  return { from, to: shard === shards - 1 ? (1n << 128n) - 1n : from + width - 1n }
}

export function shardOf(hashKey: bigint, shards: number): number {
  return Math.min(shards - 1, Number(hashKey / ((1n << 128n) / BigInt(shards))))
}

export const shardId = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`

const known = new Map<string, bigint>()

/** Remembered: the endpoint is to cost as little as it can. */
export function hashOf(partitionKey: string): bigint {
  let hash = known.get(partitionKey)
  if (hash === undefined) {
    hash = md5Number(Buffer.from(partitionKey))
    if (known.size < 100_000) known.set(partitionKey, hash)
  }
  return hash
}
