/** Answers as CBOR (RFC 8949), as AWS writes them: what is base64 text or seconds in JSON is bytes or a tagged time here. */
export function writeCbor(body: object): Buffer {
  const parts: Buffer[] = []
  writeValue(body, '', parts)
  return Buffer.concat(parts)
}

const isTime = (name: string): boolean => name.endsWith('Timestamp')

function writeValue(value: unknown, name: string, parts: Buffer[]): void {
  if (typeof value === 'number') {
    if (isTime(name)) {
      // Tag 1, in milliseconds.
      parts.push(Buffer.of(0xc1), head(0, Math.round(value * 1_000)))
    } else parts.push(value < 0 ? head(1, -1 - value) : head(0, value))
  } else if (typeof value === 'string') {
    const bytes = Buffer.from(value, name === 'Data' ? 'base64' : 'utf8')
    parts.push(head(name === 'Data' ? 2 : 3, bytes.length), bytes)
  } else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0xf5 : 0xf4))
  else if (Array.isArray(value)) {
    parts.push(head(4, value.length))
    for (const item of value) writeValue(item, name, parts)
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    parts.push(head(5, members.length))
    for (const [key, member] of members) {
      writeValue(key, '', parts)
      writeValue(member, key, parts)
    }
  } else parts.push(Buffer.of(0xf6))
}

function head(major: number, length: number): Buffer {
  const first = major << 5
  if (length < 24) return Buffer.of(first | length)
  if (length < 0x1_00) return Buffer.of(first | 24, length)
  const bytes = Buffer.alloc(length < 0x1_0000 ? 3 : length < 0x1_0000_0000 ? 5 : 9)
  if (bytes.length === 3) bytes.writeUInt16BE(length, 1)
  else if (bytes.length === 5) bytes.writeUInt32BE(length, 1)
  else bytes.writeBigUInt64BE(BigInt(length), 1)
  bytes[0] = first | (bytes.length === 3 ? 25 : bytes.length === 5 ? 26 : 27)
  return bytes
}
