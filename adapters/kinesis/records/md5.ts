import { hash } from 'node:crypto'

/** RFC 1321: the sines of its 64 steps. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)
/** What one block holds beside its padding. */
export const ONE_BLOCK_BYTES = 55

// Reused between calls, which never overlap.
const words = new Int32Array(16)
const state = new Int32Array(4)

/**
 * The MD5 of `bytes[start, end)` as the 128-bit number by which Kinesis routes partition keys. A key of one block is
 * hashed here: the call into OpenSSL takes several times as long.
 */
export function md5Number(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  if (end - start > ONE_BLOCK_BYTES) return BigInt(`0x${hash('md5', bytes.subarray(start, end))}`)
  const words = md5OfBlock(bytes, start, end)
  return hashOfWords(swapped(words[0]!), swapped(words[1]!), swapped(words[2]!), swapped(words[3]!))
}

/** The MD5 of at most `ONE_BLOCK_BYTES` as its four words, the first byte the lowest; overwritten by the next call. */
export function md5OfBlock(bytes: Uint8Array, start = 0, end = bytes.length): Int32Array {
  const length = end - start
  words.fill(0)
  for (let i = 0; i < length; i++) words[i >> 2]! |= bytes[start + i]! << ((i & 3) << 3)
  words[length >> 2]! |= 0x80 << ((length & 3) << 3)
  words[14] = length << 3
  digestBlock()
  return state
}

/** The number of which these are the words, the highest first. */
export function hashOfWords(word0: number, word1: number, word2: number, word3: number): bigint {
  // Below 2^53 there is nothing to compute with big numbers.
  const [a, b, c, d] = [word0 >>> 0, word1 >>> 0, word2 >>> 0, word3 >>> 0]
  const high = BigInt(a * 0x10_0000 + (b >>> 12))
  return (high << 76n) | (BigInt((b & 0xfff) * 0x1_0000_0000 + c) << 32n) | BigInt(d)
}

/** Its bytes in the other order. */
export function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

/** Four steps a turn, since each moves the four registers on by one. */
function digestBlock(): void {
  let a = 0x67452301
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476
  let sum: number
  for (let i = 0; i < 16; i += 4) {
    sum = (((a + (d ^ (b & (c ^ d)))) | 0) + ((words[i]! + SINES[i]!) | 0)) | 0
    a = (b + ((sum << 7) | (sum >>> 25))) | 0
    sum = (((d + (c ^ (a & (b ^ c)))) | 0) + ((words[i + 1]! + SINES[i + 1]!) | 0)) | 0
    d = (a + ((sum << 12) | (sum >>> 20))) | 0
    sum = (((c + (b ^ (d & (a ^ b)))) | 0) + ((words[i + 2]! + SINES[i + 2]!) | 0)) | 0
    c = (d + ((sum << 17) | (sum >>> 15))) | 0
    sum = (((b + (a ^ (c & (d ^ a)))) | 0) + ((words[i + 3]! + SINES[i + 3]!) | 0)) | 0
    b = (c + ((sum << 22) | (sum >>> 10))) | 0
  }
  for (let i = 16; i < 32; i += 4) {
    sum = (((a + (c ^ (d & (b ^ c)))) | 0) + ((words[(5 * i + 1) & 15]! + SINES[i]!) | 0)) | 0
    a = (b + ((sum << 5) | (sum >>> 27))) | 0
    sum = (((d + (b ^ (c & (a ^ b)))) | 0) + ((words[(5 * i + 6) & 15]! + SINES[i + 1]!) | 0)) | 0
    d = (a + ((sum << 9) | (sum >>> 23))) | 0
    sum = (((c + (a ^ (b & (d ^ a)))) | 0) + ((words[(5 * i + 11) & 15]! + SINES[i + 2]!) | 0)) | 0
    c = (d + ((sum << 14) | (sum >>> 18))) | 0
    sum = (((b + (d ^ (a & (c ^ d)))) | 0) + ((words[(5 * i) & 15]! + SINES[i + 3]!) | 0)) | 0
    b = (c + ((sum << 20) | (sum >>> 12))) | 0
  }
  for (let i = 32; i < 48; i += 4) {
    sum = (((a + (b ^ c ^ d)) | 0) + ((words[(3 * i + 5) & 15]! + SINES[i]!) | 0)) | 0
    a = (b + ((sum << 4) | (sum >>> 28))) | 0
    sum = (((d + (a ^ b ^ c)) | 0) + ((words[(3 * i + 8) & 15]! + SINES[i + 1]!) | 0)) | 0
    d = (a + ((sum << 11) | (sum >>> 21))) | 0
    sum = (((c + (d ^ a ^ b)) | 0) + ((words[(3 * i + 11) & 15]! + SINES[i + 2]!) | 0)) | 0
    c = (d + ((sum << 16) | (sum >>> 16))) | 0
    sum = (((b + (c ^ d ^ a)) | 0) + ((words[(3 * i + 14) & 15]! + SINES[i + 3]!) | 0)) | 0
    b = (c + ((sum << 23) | (sum >>> 9))) | 0
  }
  for (let i = 48; i < 64; i += 4) {
    sum = (((a + (c ^ (b | ~d))) | 0) + ((words[(7 * i) & 15]! + SINES[i]!) | 0)) | 0
    a = (b + ((sum << 6) | (sum >>> 26))) | 0
    sum = (((d + (b ^ (a | ~c))) | 0) + ((words[(7 * i + 7) & 15]! + SINES[i + 1]!) | 0)) | 0
    d = (a + ((sum << 10) | (sum >>> 22))) | 0
    sum = (((c + (a ^ (d | ~b))) | 0) + ((words[(7 * i + 14) & 15]! + SINES[i + 2]!) | 0)) | 0
    c = (d + ((sum << 15) | (sum >>> 17))) | 0
    sum = (((b + (d ^ (c | ~a))) | 0) + ((words[(7 * i + 5) & 15]! + SINES[i + 3]!) | 0)) | 0
    b = (c + ((sum << 21) | (sum >>> 11))) | 0
  }
  state[0] = a + 0x67452301
  state[1] = b + 0xefcdab89
  state[2] = c + 0x98badcfe
  state[3] = d + 0x10325476
}
