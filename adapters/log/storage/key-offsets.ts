/** How much a map of keys may hold before it counts as full. */
export interface KeyOffsetsLimits {
  readonly keys: number
  readonly bytes: number
}

// Some 200 MB at most: each key costs about 100 bytes beside its own.
const DEFAULT_LIMITS: KeyOffsetsLimits = { keys: 1_000_000, bytes: 64 * 1024 * 1024 }

/** The newest offset of each key in a stretch of the log. By the keys themselves, not by hashes: no two are mixed up. */
export class KeyOffsets {
  readonly #offsets = new Map<string, number>()
  readonly #limits: KeyOffsetsLimits
  #bytes = 0

  constructor(limits = DEFAULT_LIMITS) {
    this.#limits = limits
  }

  /** More may be put, but the caller had better stop where it can. */
  get isFull(): boolean {
    return this.#offsets.size >= this.#limits.keys || this.#bytes >= this.#limits.bytes
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
