import { createRequire } from 'node:module'

type Snappy = typeof import('snappy')
let snappy: Snappy | undefined
// Loaded at first use: most programs never meet snappy, and its native part takes milliseconds to load.
const load = (): Snappy => (snappy ??= createRequire(import.meta.url)('snappy') as Snappy)

// snappy-java's SnappyOutputStream, which Kafka's Java client writes: a header (magic, version 1, lowest
// compatible version 1), then blocks of a big-endian length and raw snappy, each of at most 32 KiB plain.
const HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const MAGIC_BYTES = 8
const BLOCK_BYTES = 32 * 1024

// The best that a raw snappy element does is 64 plain bytes for 3. A block that claims more lies about its
// size.
const MAX_RATIO = 22

/** Compresses into xerial's framing. */
export function compressXerial(bytes: Buffer): Buffer {
  const parts: Buffer[] = [HEADER]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = load().compressSync(bytes.subarray(at, at + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/**
 * Reads xerial's framing, and raw snappy as some clients send it. Throws a plain Error for malformed input.
 */
export function decompressXerial(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length < HEADER.length || bytes.compare(HEADER, 0, MAGIC_BYTES, 0, MAGIC_BYTES) !== 0) {
    return decompressRaw(bytes, maxBytes)
  }
  const parts: Buffer[] = []
  let total = 0
  let at = HEADER.length
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw new Error('snappy: truncated block length')
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new Error('snappy: truncated block')
    const part = decompressRaw(bytes.subarray(at + 4, end), maxBytes - total)
    total += part.length
    parts.push(part)
    at = end
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total)
}

function decompressRaw(block: Buffer, maxBytes: number): Buffer {
  // The decoder allocates what the preamble claims before it looks at the rest, so the claim is judged first.
  const claimed = preamble(block)
  if (claimed > maxBytes) throw new Error(`snappy: ${claimed} bytes claimed, ${maxBytes} allowed`)
  if (claimed > block.length * MAX_RATIO)
    throw new Error(`snappy: ${claimed} bytes claimed by ${block.length}`)
  return load().uncompressSync(block, { asBuffer: true }) as Buffer
}

function preamble(block: Buffer): number {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return value
  }
  throw new Error('snappy: no preamble')
}
