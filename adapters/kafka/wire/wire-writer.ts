const CHUNK_BYTES = 512
/** From here on bytes are passed on as they are rather than copied. */
const PASS_ON_BYTES = 1024

/** Writes Kafka's protocol types, big-endian. Large byte strings are not copied: the result is a list of chunks. */
export class WireWriter {
  readonly #chunks: Buffer[] = []
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #from = 0
  #at = 0
  #passedOn = 0

  /** Bytes written so far. */
  get size(): number {
    return this.#passedOn + this.#at - this.#from
  }

  int8(value: number): this {
    this.#at = this.#room(1).writeInt8(value, this.#at)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at)
    return this
  }

  /** A safe integer. */
  int64(value: number): this {
    const buffer = this.#room(8)
    this.#at = buffer.writeInt32BE(Math.floor(value / 2 ** 32), this.#at)
    this.#at = buffer.writeUInt32BE(value >>> 0, this.#at)
    return this
  }

  uvarint(value: number): this {
    const buffer = this.#room(5)
    let rest = value >>> 0
    while (rest > 0x7f) {
      buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.#at++] = rest
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const length = Buffer.byteLength(value)
    return this.int16(length).#text(value, length)
  }

  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0)
    const length = Buffer.byteLength(value)
    return this.uvarint(length + 1).#text(value, length)
  }

  bytes(value: Uint8Array | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).raw(value)
  }

  array<T>(items: readonly T[] | null, write: (item: T) => void): this {
    this.int32(items === null ? -1 : items.length)
    if (items !== null) for (const item of items) write(item)
    return this
  }

  compactArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    this.uvarint(items === null ? 0 : items.length + 1)
    if (items !== null) for (const item of items) write(item)
    return this
  }

  /** 32 hexadecimal digits. */
  uuid(hex: string): this {
    return this.raw(Buffer.from(hex, 'hex'))
  }

  /** No tagged fields. */
  tags(): this {
    return this.uvarint(0)
  }

  /** Bytes as they are; large ones are not copied and must stay as they are until they are sent. */
  raw(value: Uint8Array): this {
    if (value.length >= PASS_ON_BYTES) {
      if (this.#at > this.#from) this.#chunks.push(this.#buffer.subarray(this.#from, this.#at))
      this.#passedOn += this.#at - this.#from + value.length
      this.#from = this.#at
      this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.length))
      return this
    }
    this.#room(value.length).set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** What was written, in order. To be called once, at the end. */
  chunks(): readonly Buffer[] {
    if (this.#at > this.#from) this.#chunks.push(this.#buffer.subarray(this.#from, this.#at))
    return this.#chunks
  }

  #text(value: string, length: number): this {
    // Before `#at` is read: making room moves it.
    const buffer = this.#room(length)
    this.#at += buffer.write(value, this.#at, 'utf8')
    return this
  }

  #room(size: number): Buffer {
    if (this.#at + size > this.#buffer.length) {
      const kept = this.#at - this.#from
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, kept + size + CHUNK_BYTES))
      this.#buffer.copy(larger, 0, this.#from, this.#at)
      this.#buffer = larger
      this.#from = 0
      this.#at = kept
    }
    return this.#buffer
  }
}
