import { StreamError } from '../../../src/driver.ts'

/** Reads Kafka's protocol types, big-endian. INTERNAL where the bytes end before what is read. */
export class WireReader {
  readonly buffer: Buffer
  at: number

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer
    this.at = at
  }

  get left(): number {
    return this.buffer.length - this.at
  }

  int8(): number {
    return this.buffer.readInt8(this.#advance(1))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4))
  }

  /** Rounded to the nearest number beyond 2^53, which no offset reaches. */
  int64(): number {
    const at = this.#advance(8)
    return this.buffer.readInt32BE(at) * 2 ** 32 + this.buffer.readUInt32BE(at + 4)
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#advance(1)]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw malformed('a variable-length integer of more than 5 bytes')
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  nullableString(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#text(length)
  }

  compactString(): string {
    return this.nullableCompactString() ?? ''
  }

  nullableCompactString(): string | null {
    const length = this.uvarint()
    return length === 0 ? null : this.#text(length - 1)
  }

  /** A view, not a copy. */
  bytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.view(length)
  }

  /** A view of the next `length` bytes. */
  view(length: number): Buffer {
    const at = this.#advance(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A null array is an empty one. */
  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read)
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.uvarint() - 1, read)
  }

  /** 32 hexadecimal digits. */
  uuid(): string {
    return this.view(16).toString('hex')
  }

  /** Passes tagged fields over. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.#advance(this.uvarint())
    }
  }

  #items<T>(count: number, read: () => T): T[] {
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  #text(length: number): string {
    const at = this.#advance(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  #advance(size: number): number {
    const { at } = this
    if (size < 0 || at + size > this.buffer.length) {
      throw malformed(`${size} bytes wanted at ${at} of ${this.buffer.length}`)
    }
    this.at = at + size
    return at
  }
}

function malformed(what: string): StreamError {
  return new StreamError(
    'INTERNAL',
    `an answer that does not read as Kafka's (${what}): is the address that of a Kafka broker?`,
  )
}
