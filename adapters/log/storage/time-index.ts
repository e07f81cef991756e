const ENTRY_BYTES = 12

/**
 * A segment's sparse time index in Kafka's format: int64 timestamp, int32 offset relative to the segment's base,
 * big-endian. An entry says: the largest timestamp so far is this, and the batch that ends at this offset has it.
 * Timestamps grow strictly. Source: Kafka's `TimeIndex`.
 */
export class TimeIndex {
  readonly #timestamps: number[] = []
  readonly #offsets: number[] = []

  get count(): number {
    return this.#timestamps.length
  }

  /** Ignored unless the timestamp is larger than the last entry's. */
  append(timestamp: number, relativeOffset: number): void {
    if (timestamp <= this.lastTimestamp) return
    this.#timestamps.push(timestamp)
    this.#offsets.push(relativeOffset)
  }

  /** -1 without entries. */
  get lastTimestamp(): number {
    return this.#timestamps.at(-1) ?? -1
  }

  timestamp(i: number): number {
    return this.#timestamps[i]!
  }

  relativeOffset(i: number): number {
    return this.#offsets[i]!
  }

  /** The number of the last entry with a timestamp below `timestamp`: all up to its offset is older. -1 without one. */
  lookup(timestamp: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timestamps[middle]! < timestamp) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  encode(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.count * ENTRY_BYTES)
    for (let i = 0; i < this.count; i++) {
      bytes.writeBigInt64BE(BigInt(this.#timestamps[i]!), i * ENTRY_BYTES)
      bytes.writeInt32BE(this.#offsets[i]!, i * ENTRY_BYTES + 8)
    }
    return bytes
  }

  /** Undefined where the bytes cannot be the time index of a segment of so many offsets: rebuild it. */
  static decode(bytes: Buffer | undefined, offsets: number): TimeIndex | undefined {
    if (bytes === undefined || bytes.length % ENTRY_BYTES !== 0) return undefined
    const index = new TimeIndex()
    let previous = -1
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const timestamp = Number(bytes.readBigInt64BE(at))
      const offset = bytes.readInt32BE(at + 8)
      if (timestamp <= index.lastTimestamp || offset <= previous || offset >= offsets) return undefined
      index.append(timestamp, offset)
      previous = offset
    }
    return index
  }
}
