// Protocol Buffers by hand: the few parts of the encoding that KPL's messages use.

/** Wire types, the low three bits of a field's tag. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** Bytes that `writeVarint` needs for a whole number below 2^31. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** Writes a whole number below 2^31; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  return at
}

// Up to here a loop beats the call of `set`, which costs some 10 ns whatever the length.
const LOOP_BYTES = 24

export function writeBytes(target: Uint8Array, at: number, bytes: Uint8Array): number {
  const length = bytes.length
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) target[at + i] = bytes[i]!
  else target.set(bytes, at)
  return at + length
}

/**
 * Reads varints and steps over fields, and holds the place. Never reads at or beyond `end`; what is malformed sets `bad`, after
 * which the results mean nothing.
 */
export class ProtobufReader {
  readonly bytes: Uint8Array
  at: number
  end: number
  bad = false

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** The next number. What is above 2^31 - 1, and so no index or length of anything in these bytes, comes as 2^31 - 1. */
  varint(): number {
    const { bytes, end } = this
    let at = this.at
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) break
      const byte = bytes[at++]!
      if (shift < 28) value |= (byte & 0x7f) << shift
      else if ((byte & 0x7f) !== 0 && (shift > 28 || byte & 0x78)) value = 0x7fffffff
      else if (value !== 0x7fffffff) value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return value
      }
    }
    this.bad = true
    this.at = end
    return 0
  }

  /** The length of a field of bytes, which lies within `end`. */
  length(): number {
    const length = this.varint()
    if (length <= this.end - this.at) return length
    this.bad = true
    this.at = this.end
    return 0
  }

  /** Steps over the value of a field that nobody knows. */
  skip(wireType: number): void {
    if (wireType === VARINT) this.varint()
    else if (wireType === BYTES) {
      const length = this.length()
      this.at += length
    } else if (wireType === FIXED64) this.at += 8
    else if (wireType === FIXED32) this.at += 4
    else this.bad = true
    if (this.at > this.end) this.bad = true
    if (this.bad) this.at = this.end
  }
}
