import { StreamError } from '../errors.ts'

/** Bytes that `writeVarint` needs for a 32-bit integer: 1 to 5. */
export function varintLength(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  return zigzag < 0x1000_0000 ? 4 : 5
}

/**
 * Writes a 32-bit integer as Protocol Buffers' zig-zag varint, which Kafka's records use; returns where it
 * ends.
 */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 0x7f) {
    bytes[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[at++] = zigzag
  return at
}

/** Bytes that `writeVarlong` needs for a safe integer: 1 to 8. */
export function varlongLength(value: number): number {
  if ((value | 0) === value) return varintLength(value)
  let length = 1
  for (let rest = toZigzag64(value); rest > 0x7fn; rest >>= 7n) length++
  return length
}

/** Writes a safe integer as a zig-zag varlong; returns where it ends. INVALID_ARGUMENT for other numbers. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if ((value | 0) === value) return writeVarint(bytes, at, value)
  let rest = toZigzag64(value)
  for (; rest > 0x7fn; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80
  bytes[at++] = Number(rest)
  return at
}

// BigInt is slow, but only differences of more than 24 days in milliseconds come this way.
function toZigzag64(value: number): bigint {
  if (!Number.isSafeInteger(value)) {
    throw new StreamError('INVALID_ARGUMENT', `${value} is no safe integer: give whole milliseconds`)
  }
  const wide = BigInt(value)
  return (wide << 1n) ^ (wide >> 63n)
}

/**
 * Reads varints one after another and holds the place. Never reads at or beyond `end`: from there on every
 * byte is taken for 0 and `at` runs past `end`, which the caller checks once, after a whole structure.
 */
export class VarintReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
  /** True once a number did not end within its 5 (varint) or 10 (varlong) bytes. */
  overlong = false

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = Math.min(end, bytes.length)
  }

  /** The next 32-bit integer. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    this.overlong = true
    return 0
  }

  /** The next 64-bit integer, rounded to the nearest number beyond 2^53. */
  varlong(): number {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#next()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
    }
    let wide = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#next()
      wide |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        wide = BigInt.asUintN(64, wide)
        return Number(BigInt.asIntN(64, (wide >> 1n) ^ -(wide & 1n)))
      }
    }
    this.overlong = true
    return 0
  }

  #next(): number {
    const at = this.at++
    return at < this.end ? this.bytes[at]! : 0
  }
}
