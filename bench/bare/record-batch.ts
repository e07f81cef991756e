// Kafka's RecordBatch v2 with nothing around it: records of one key, one value and no headers, all of one timestamp. A
// yardstick, not a codec: it trusts its input. What the project's own codec costs beyond this is the price of being one.
import { crc32c } from '@node-rs/crc32'
import { keyOf } from '../harness/records.ts'

const HEADER_BYTES = 61

/** An upper bound of `encode`'s size. */
export function boundOf(count: number, valueBytes: number): number {
  return HEADER_BYTES + count * (valueBytes + 32)
}

/** Writes the values, with their keys or null keys, as one batch at `start`; returns where it ends. */
export function encode(
  buffer: Buffer,
  start: number,
  values: readonly Buffer[],
  keyed: boolean,
  baseOffset: number,
): number {
  const count = values.length
  const now = BigInt(Date.now())
  let at = start + HEADER_BYTES
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    const key = keyed ? keyOf(value) : undefined
    const keyLength = key === undefined ? 1 : varintLength(key.length) + key.length
    const length = 2 + varintLength(i) + keyLength + varintLength(value.length) + value.length + 1
    at = writeVarint(buffer, at, length)
    buffer[at++] = 0
    buffer[at++] = 0
    at = writeVarint(buffer, at, i)
    if (key === undefined) buffer[at++] = 1
    else {
      at = writeVarint(buffer, at, key.length)
      at += key.copy(buffer, at)
    }
    at = writeVarint(buffer, at, value.length)
    at += value.copy(buffer, at)
    buffer[at++] = 0
  }
  buffer.writeBigInt64BE(BigInt(baseOffset), start)
  buffer.writeInt32BE(at - start - 12, start + 8)
  buffer.writeInt32BE(0, start + 12)
  buffer[start + 16] = 2
  buffer.writeInt16BE(0, start + 21)
  buffer.writeInt32BE(count - 1, start + 23)
  buffer.writeBigInt64BE(now, start + 27)
  buffer.writeBigInt64BE(now, start + 35)
  buffer.writeBigInt64BE(-1n, start + 43)
  buffer.writeInt16BE(-1, start + 51)
  buffer.writeInt32BE(-1, start + 53)
  buffer.writeInt32BE(count, start + 57)
  buffer.writeUInt32BE(crc32c(buffer.subarray(start + 21, at)), start + 17)
  return at
}

/** Reads the whole batches in `[start, end)`, checks their CRCs, and shows a view of each key and value. Returns how many. */
export function decode(
  buffer: Buffer,
  start: number,
  end: number,
  seen: (key: Buffer | null, value: Buffer) => void,
): number {
  let records = 0
  let at = start
  const varint = (): number => {
    let value = 0
    let shift = 0
    let byte: number
    do {
      byte = buffer[at++]!
      value |= (byte & 127) << shift
      shift += 7
    } while (byte > 127)
    return (value >>> 1) ^ -(value & 1)
  }
  for (let from = start; from + HEADER_BYTES <= end; ) {
    const stop = from + 12 + buffer.readInt32BE(from + 8)
    if (stop > end) break
    if (crc32c(buffer.subarray(from + 21, stop)) !== buffer.readUInt32BE(from + 17)) throw new Error('CRC')
    at = from + HEADER_BYTES
    for (let i = buffer.readInt32BE(from + 57); i > 0; i--) {
      const length = varint()
      const after = at + length
      at++
      varint()
      varint()
      const keyLength = varint()
      const keyAt = at
      if (keyLength > 0) at += keyLength
      const valueLength = varint()
      seen(
        keyLength < 0 ? null : buffer.subarray(keyAt, keyAt + keyLength),
        buffer.subarray(at, at + valueLength),
      )
      at = after
      records++
    }
    from = stop
  }
  return records
}

// Zig-zag doubles the numbers, which are never negative here.
function varintLength(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : 3
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value * 2
  while (rest >= 128) {
    buffer[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}
