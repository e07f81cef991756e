import { hash } from 'node:crypto'

// RFC 1321: sines and rotations of its 64 steps.
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)
const ROTATIONS = Uint8Array.from([
  7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9,
  14, 20, 4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15,
  21, 6, 10, 15, 21,
])
/** What one block holds beside its padding. */
const ONE_BLOCK_BYTES = 55

// Reused between calls, which never overlap.
const words = new Int32Array(16)
const digest = new DataView(new ArrayBuffer(16))

/**
 * The MD5 of `bytes[start, end)` as the 128-bit number by which Kinesis routes partition keys. A key of one block is
 * hashed here: the call into OpenSSL takes three times as long.
 */
export function md5Number(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  if (end - start > ONE_BLOCK_BYTES) return BigInt(`0x${hash('md5', bytes.subarray(start, end))}`)
  words.fill(0)
  let at = start
  for (let word = 0; at < end; word++) {
    for (let shift = 0; shift < 32 && at < end; shift += 8) words[word]! |= bytes[at++]! << shift
  }
  const length = end - start
  words[length >> 2]! |= 0x80 << ((length & 3) << 3)
  words[14] = length << 3
  digestBlock()
  return (digest.getBigUint64(0) << 64n) | digest.getBigUint64(8)
}

function digestBlock(): void {
  let a = 0x67452301
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476
  for (let i = 0; i < 64; i++) {
    let mixed: number
    let word: number
    if (i < 16) {
      mixed = d ^ (b & (c ^ d))
      word = i
    } else if (i < 32) {
      mixed = c ^ (d & (b ^ c))
      word = (5 * i + 1) & 15
    } else if (i < 48) {
      mixed = b ^ c ^ d
      word = (3 * i + 5) & 15
    } else {
      mixed = c ^ (b | ~d)
      word = (7 * i) & 15
    }
    const sum = (((a + mixed) | 0) + ((words[word]! + SINES[i]!) | 0)) | 0
    const rotation = ROTATIONS[i]!
    a = d
    d = c
    c = b
    b = (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0
  }
  digest.setInt32(0, a + 0x67452301, true)
  digest.setInt32(4, b + 0xefcdab89, true)
  digest.setInt32(8, c + 0x98badcfe, true)
  digest.setInt32(12, d + 0x10325476, true)
}
