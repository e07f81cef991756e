import { StreamError } from '../../../src/driver.ts'

/** What travels on the socket: a small JSON header and, where there are bytes, those as they are. */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Buffer | undefined
}

interface Sink {
  cork(): void
  uncork(): void
  write(bytes: Buffer): unknown
}

const PREFIX_BYTES = 8
const MAX_HEADER_BYTES = 64 * 1024 * 1024
const MAX_PAYLOAD_BYTES = 1024 * 1024 * 1024

/** Writes uint32 header length, uint32 payload length, header, payload; big-endian. The payload is not copied. */
export function writeFrame(sink: Sink, header: object, payload: Buffer | undefined): void {
  const json = JSON.stringify(header)
  const length = Buffer.byteLength(json)
  const head = Buffer.allocUnsafe(PREFIX_BYTES + length)
  head.writeUInt32BE(length, 0)
  head.writeUInt32BE(payload?.length ?? 0, 4)
  head.write(json, PREFIX_BYTES)
  if (payload === undefined || payload.length === 0) {
    sink.write(head)
    return
  }
  sink.cork()
  sink.write(head)
  sink.write(payload)
  sink.uncork()
}

/** Puts frames together from what a socket gives. A payload that came in one piece is not copied, else once. */
export class FrameReader {
  readonly #seen: (frame: Frame) => void
  #chunk: Buffer = Buffer.alloc(0)
  // The part that is being collected, where it does not lie within one chunk.
  #part: Buffer | undefined
  #filled = 0
  #lengths: { header: number; payload: number } | undefined
  #header: Readonly<Record<string, unknown>> | undefined

  constructor(seen: (frame: Frame) => void) {
    this.#seen = seen
  }

  /** Throws INTERNAL for what cannot be a frame. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    for (;;) {
      if (this.#lengths === undefined) {
        const prefix = this.#take(PREFIX_BYTES)
        if (prefix === undefined) return
        this.#lengths = { header: prefix.readUInt32BE(0), payload: prefix.readUInt32BE(4) }
        if (this.#lengths.header > MAX_HEADER_BYTES || this.#lengths.payload > MAX_PAYLOAD_BYTES) {
          throw new StreamError('INTERNAL', 'not a frame of millrace: is something else using its socket?')
        }
      }
      if (this.#header === undefined) {
        const json = this.#take(this.#lengths.header)
        if (json === undefined) return
        this.#header = JSON.parse(json.toString())
      }
      const payload = this.#take(this.#lengths.payload)
      if (payload === undefined) return
      const frame = { header: this.#header!, payload: payload.length === 0 ? undefined : payload }
      this.#lengths = undefined
      this.#header = undefined
      this.#seen(frame)
    }
  }

  /** The next `length` bytes; undefined as long as they have not all come. */
  #take(length: number): Buffer | undefined {
    if (this.#part === undefined && this.#chunk.length >= length) {
      const taken = this.#chunk.subarray(0, length)
      this.#chunk = this.#chunk.subarray(length)
      return taken
    }
    this.#part ??= Buffer.allocUnsafeSlow(length)
    const copied = this.#chunk.copy(this.#part, this.#filled)
    this.#chunk = this.#chunk.subarray(copied)
    this.#filled += copied
    if (this.#filled < length) return undefined
    const taken = this.#part
    this.#part = undefined
    this.#filled = 0
    return taken
  }
}
