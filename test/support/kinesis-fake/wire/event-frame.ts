import { crc32 } from 'node:zlib'

/**
 * A message of `application/vnd.amazon.eventstream`: total length, length of the headers, CRC of those eight bytes; headers
 * (all text, kind 7); payload; CRC of all before it.
 */
export function eventFrame(headers: Readonly<Record<string, string>>, payload: string | Buffer): Buffer {
  const parts = Object.entries(headers).map(([name, value]) => {
    const header = Buffer.alloc(4 + Buffer.byteLength(name) + Buffer.byteLength(value))
    let at = header.writeUInt8(Buffer.byteLength(name))
    at += header.write(name, at)
    at = header.writeUInt8(7, at)
    at = header.writeUInt16BE(Buffer.byteLength(value), at)
    header.write(value, at)
    return header
  })
  const headersLength = parts.reduce((sum, { length }) => sum + length, 0)
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const frame = Buffer.alloc(16 + headersLength + body.length)
  frame.writeUInt32BE(frame.length)
  frame.writeUInt32BE(headersLength, 4)
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8)
  let at = 12
  for (const part of parts) at += part.copy(frame, at)
  at += body.copy(frame, at)
  frame.writeUInt32BE(crc32(frame.subarray(0, at)), at)
  return frame
}
