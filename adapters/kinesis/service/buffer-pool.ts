/** Smaller ones are as soon made as found. */
const LEAST_BYTES = 64 << 10
/** As many as are usually on their way at once. */
const MOST_KEPT = 4
/** What nobody has asked for so long is let go. */
const IDLE_MS = 10_000

/**
 * Large buffers that are used again: the system takes as long to give a process fresh memory as it takes to fill it, and the collector of
 * garbage runs for nothing else where each request has some MiB of its own.
 */
export class BufferPool {
  /** The last that was given back, which is the first to be taken, at the end: what is not needed any more grows old before it. */
  #kept: { readonly buffer: Buffer<ArrayBuffer>; readonly since: number }[] = []
  #timer: NodeJS.Timeout | undefined

  /** At least so many bytes, with whatever was in them. */
  take(bytes: number): Buffer<ArrayBuffer> {
    for (let i = this.#kept.length - 1; i >= 0; i--) {
      if (this.#kept[i]!.buffer.length >= bytes) return this.#kept.splice(i, 1)[0]!.buffer
    }
    // All are too small for what is sent now.
    this.#kept.pop()
    return Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_BYTES))))
  }

  /** Takes back what `take` gave, of which nobody may read or write a part from now on. */
  giveBack(buffer: Buffer<ArrayBuffer>): void {
    if (this.#kept.length === MOST_KEPT) return
    this.#kept.push({ buffer, since: performance.now() })
    this.#timer ??= setTimeout(this.#letGo, IDLE_MS).unref()
  }

  readonly #letGo = (): void => {
    const old = performance.now() - IDLE_MS
    this.#kept = this.#kept.filter(({ since }) => since > old)
    this.#timer = this.#kept.length === 0 ? undefined : setTimeout(this.#letGo, IDLE_MS).unref()
  }
}
