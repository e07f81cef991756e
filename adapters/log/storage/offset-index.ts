const ENTRY_BYTES = 8

/**
 * A segment's sparse index in Kafka's format: int32 offset relative to the segment's base, int32 position in the log
 * file, big-endian. An entry holds the last offset of a batch and where that batch begins. Source: Kafka's `OffsetIndex`.
 */
export class OffsetIndex {
  #offsets: Int32Array
  #positions: Int32Array
  #count = 0

  constructor(capacity = 16) {
    this.#offsets = new Int32Array(capacity)
    this.#positions = new Int32Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Both numbers above those of the last entry. */
  append(relativeOffset: number, position: number): void {
    if (this.#count === this.#offsets.length) {
      this.#offsets = grown(this.#offsets)
      this.#positions = grown(this.#positions)
    }
    this.#offsets[this.#count] = relativeOffset
    this.#positions[this.#count++] = position
  }

  /** The number of the last entry whose batch ends at or before `relativeOffset`; -1 without one: begin at the file's start. */
  lookup(relativeOffset: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#offsets[middle]! <= relativeOffset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  relativeOffset(i: number): number {
    return this.#offsets[i]!
  }

  position(i: number): number {
    return this.#positions[i]!
  }

  encode(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#count * ENTRY_BYTES)
    for (let i = 0; i < this.#count; i++) {
      bytes.writeInt32BE(this.#offsets[i]!, i * ENTRY_BYTES)
      bytes.writeInt32BE(this.#positions[i]!, i * ENTRY_BYTES + 4)
    }
    return bytes
  }

  /** Undefined where the bytes cannot be the index of a log file of so many bytes and offsets: rebuild it. */
  static decode(bytes: Buffer | undefined, logBytes: number, offsets: number): OffsetIndex | undefined {
    if (bytes === undefined || bytes.length % ENTRY_BYTES !== 0) return undefined
    const count = bytes.length / ENTRY_BYTES
    const index = new OffsetIndex(Math.max(16, count))
    let offset = -1
    let position = -1
    for (let i = 0; i < count; i++) {
      const nextOffset = bytes.readInt32BE(i * ENTRY_BYTES)
      const nextPosition = bytes.readInt32BE(i * ENTRY_BYTES + 4)
      if (nextOffset <= offset || nextPosition <= position) return undefined
      offset = nextOffset
      position = nextPosition
      index.append(offset, position)
    }
    return offset < offsets && position < Math.max(1, logBytes) ? index : undefined
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
