const MAX_BYTES = 64 * 1024 * 1024

/** The newest offset of each key in a stretch of the log. By the keys themselves, not by hashes: no two are mixed up. */
export class KeyOffsets {
  readonly #offsets = new Map<string, number>()
  readonly #maxKeys: number
  #bytes = 0

  /** A key costs about 100 bytes beside its own, of which 64 MiB count as full too. */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  /** More may be put, but the caller had better stop where it can. */
  get isFull(): boolean {
    return this.#offsets.size >= this.#maxKeys || this.#bytes >= MAX_BYTES
  }

  /** Later offsets come later. */
  put(bytes: Buffer, from: number, to: number, offset: number): void {
    const size = this.#offsets.size
    this.#offsets.set(bytes.toString('latin1', from, to), offset)
    if (this.#offsets.size > size) this.#bytes += to - from
  }

  get(bytes: Buffer, from: number, to: number): number | undefined {
    return this.#offsets.get(bytes.toString('latin1', from, to))
  }
}
