/** Answers beyond this are no answers: a TLS record or an HTTP response read as a length is larger. */
const MAX_ANSWER_BYTES = 256 << 20
const LENGTH_BYTES = 4
const ID_BYTES = 4
const SCRATCH_BYTES = 64 * 1024

// Shared by all connections: what is read into it is taken out of it before anything else is read.
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/**
 * Cuts a stream of bytes into Kafka's answers. One that is larger than what has come of it is read straight into memory of its
 * own, which is never used again: views of it may be kept.
 */
export class FrameReader {
  readonly #take: (correlationId: number, answer: Buffer) => void
  /** The answer at hand with its correlation id; undefined between answers. */
  #answer: Buffer | undefined
  #filled = 0
  /** The first bytes of a length that came in pieces. */
  #length = 0
  #lengthBytes = 0

  /** `take` is given answers without length and correlation id. */
  constructor(take: (correlationId: number, answer: Buffer) => void) {
    this.#take = take
  }

  /** Where the next bytes are to be written; `wrote` tells how many they were. */
  get space(): Buffer {
    return this.#answer === undefined ? scratch : this.#answer.subarray(this.#filled)
  }

  /** Throws where that is not Kafka's protocol, or where `take` does. */
  wrote(size: number): void {
    if (this.#answer === undefined) return this.push(scratch.subarray(0, size))
    this.#filled += size
    if (this.#filled === this.#answer.length) this.#whole()
  }

  /** Takes bytes that stand elsewhere; they are copied. Throws as `wrote` does. */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#answer === undefined) {
        at = this.#begin(bytes, at)
        continue
      }
      const end = Math.min(bytes.length, at + this.#answer.length - this.#filled)
      bytes.copy(this.#answer, this.#filled, at, end)
      this.#filled += end - at
      at = end
      if (this.#filled === this.#answer.length) this.#whole()
    }
  }

  #begin(bytes: Buffer, start: number): number {
    let at = start
    while (this.#lengthBytes < LENGTH_BYTES && at < bytes.length) {
      this.#length = ((this.#length << 8) | bytes[at++]!) >>> 0
      this.#lengthBytes++
    }
    if (this.#lengthBytes < LENGTH_BYTES) return at
    if (this.#length < ID_BYTES || this.#length > MAX_ANSWER_BYTES) {
      throw new Error(`an answer of ${this.#length} bytes`)
    }
    this.#answer = Buffer.allocUnsafe(this.#length)
    this.#filled = 0
    this.#length = 0
    this.#lengthBytes = 0
    return at
  }

  #whole(): void {
    const answer = this.#answer!
    this.#answer = undefined
    this.#take(answer.readInt32BE(0), answer.subarray(ID_BYTES))
  }
}
