/** A value of CBOR (RFC 8949) as far as AWS clients write it: byte strings become base64 text, tagged times seconds. */
export function readCbor(bytes: Buffer): unknown {
  const reader = new CborReader(bytes)
  return reader.value()
}

const BREAK = Symbol('break')

class CborReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(): unknown {
    const value = this.#any()
    if (value === BREAK) throw new Error('a break outside of what can be broken')
    return value
  }

  #any(): unknown {
    const first = this.#bytes.readUInt8(this.#at++)
    const major = first >> 5
    const minor = first & 31
    if (major === 7) return this.#simple(minor)
    const length = minor === 31 ? undefined : this.#length(minor)
    switch (major) {
      case 0:
        return length
      case 1:
        return -1 - length!
      case 2:
        return this.#chunks(length).toString('base64')
      case 3:
        return this.#chunks(length).toString()
      case 4:
        return this.#items(length)
      case 5:
        return this.#members(length)
      default:
        // Tag 1 is a time; AWS counts it in milliseconds.
        return length === 1 ? (this.value() as number) / 1_000 : this.value()
    }
  }

  #simple(minor: number): unknown {
    const at = this.#at
    if (minor === 26) return this.#bytes.readFloatBE((this.#at += 4) - 4)
    if (minor === 27) return this.#bytes.readDoubleBE((this.#at += 8) - 8)
    if (minor === 31) return BREAK
    if (minor === 20 || minor === 21) return minor === 21
    if (minor === 22 || minor === 23) return undefined
    throw new Error(`what is simple value ${minor} at ${at}?`)
  }

  #length(minor: number): number {
    if (minor < 24) return minor
    if (minor === 24) return this.#bytes.readUInt8(this.#at++)
    if (minor === 25) return this.#bytes.readUInt16BE((this.#at += 2) - 2)
    if (minor === 26) return this.#bytes.readUInt32BE((this.#at += 4) - 4)
    return Number(this.#bytes.readBigUInt64BE((this.#at += 8) - 8))
  }

  /** Of a text or byte string; without a length it comes in pieces. */
  #chunks(length: number | undefined): Buffer {
    if (length !== undefined) return this.#bytes.subarray(this.#at, (this.#at += length))
    const chunks: Buffer[] = []
    while (this.#bytes[this.#at] !== 0xff) {
      const minor = this.#bytes.readUInt8(this.#at++) & 31
      chunks.push(this.#chunks(this.#length(minor)))
    }
    this.#at++
    return Buffer.concat(chunks)
  }

  #items(length = Number.POSITIVE_INFINITY): unknown[] {
    const items: unknown[] = []
    while (items.length < length) {
      const item = this.#any()
      if (item === BREAK) break
      items.push(item)
    }
    return items
  }

  #members(length = Number.POSITIVE_INFINITY): object {
    const members: [string, unknown][] = []
    for (let i = 0; i < length; i++) {
      const name = this.#any()
      if (name === BREAK) break
      const value = this.value()
      // Null stands for nothing.
      if (value !== undefined) members.push([name as string, value])
    }
    return Object.fromEntries(members)
  }
}
