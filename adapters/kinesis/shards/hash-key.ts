import { hash } from 'node:crypto'

/** The largest hash key, 2^128 - 1; the smallest is 0. */
export const MAX_HASH_KEY = (1n << 128n) - 1n

/** The 128-bit hash key that the service makes of a partition key: MD5 of its UTF-8. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`)
}
