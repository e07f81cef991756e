const M = 0x5bd1e995
const SEED = 0x9747b28c

/**
 * Kafka's murmur2 of `bytes[start, end)`, unsigned; `| 0` gives what Java's `Utils.murmur2` returns.
 * The Java client's partition for a key is `(murmur2(key) & 0x7fffffff) % partitions`.
 */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = SEED ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, M)
    hash = Math.imul(hash, M) ^ Math.imul(word ^ (word >>> 24), M)
  }
  if (at < end) {
    let tail = bytes[at]!
    if (at + 1 < end) tail |= bytes[at + 1]! << 8
    if (at + 2 < end) tail |= bytes[at + 2]! << 16
    hash = Math.imul(hash ^ tail, M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return (hash ^ (hash >>> 15)) >>> 0
}
