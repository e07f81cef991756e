import { createRequire } from 'node:module'

type Lz4 = typeof import('lz4-napi')
let lz4: Lz4 | undefined
// Loaded at first use: most programs never meet lz4, and its native part takes milliseconds to load.
const load = (): Lz4 => (lz4 ??= createRequire(import.meta.url)('lz4-napi') as Lz4)

const MAGIC = 0x184d2204
const BLOCK_MAX_BYTES = [0, 0, 0, 0, 1 << 16, 1 << 18, 1 << 20, 1 << 22]

// An LZ4 sequence gives at most 255 plain bytes for each byte of match length.
const MAX_RATIO = 255

/** Compresses into one LZ4 frame of independent blocks, the only kind that Kafka's Java client reads. */
export function compressLz4(bytes: Buffer): Buffer {
  return load().compressFrameSync(bytes)
}

/** Reads one LZ4 frame. Throws a plain Error for malformed input, and for more than `maxBytes`. */
export function decompressLz4(bytes: Buffer, maxBytes: number): Buffer {
  // The native decoder takes no limit, so a bomb has to be found before it. The block headers alone clear
  // most frames; the sequences of the others are walked.
  if (plainBytes(bytes, false) > maxBytes && plainBytes(bytes, true) > maxBytes) {
    throw new Error(`lz4: more than the ${maxBytes} bytes allowed`)
  }
  return load().decompressFrameSync(bytes)
}

/** The plain size of a frame: `exact`, or an upper bound from its block headers. */
function plainBytes(bytes: Buffer, exact: boolean): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('lz4: no frame')
  const flags = bytes[4]!
  const blockMax = BLOCK_MAX_BYTES[(bytes[5]! >> 4) & 7]!
  if (flags >> 6 !== 1 || blockMax === 0) throw new Error('lz4: unknown frame version or block size')
  const checksumBytes = flags & 0x10 ? 4 : 0
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  let total = 0
  for (;;) {
    if (at + 4 > bytes.length) throw new Error('lz4: truncated')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) return total
    const length = word & 0x7fffffff
    if (at + length + checksumBytes > bytes.length) throw new Error('lz4: truncated block')
    if (word > 0x7fffffff) total += length
    else if (exact) total += Math.min(blockMax, blockBytes(bytes, at, at + length))
    else total += Math.min(blockMax, length * MAX_RATIO)
    at += length + checksumBytes
  }
}

/** What one compressed block unpacks to: the sum of its literals and matches, nothing is copied. */
function blockBytes(bytes: Buffer, at: number, end: number): number {
  let total = 0
  const extend = (length: number): number => {
    if (length < 15) return length
    let byte = 255
    while (byte === 255 && at < end) length += byte = bytes[at++]!
    return length
  }
  while (at < end) {
    const token = bytes[at++]!
    const literals = extend(token >> 4)
    at += literals
    total += literals
    if (at >= end) break // the last sequence has no match
    at += 2
    total += 4 + extend(token & 15)
  }
  return total
}
