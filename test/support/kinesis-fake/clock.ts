/** The service's clocks. Set `offsetMs` to let its time of day go wrong: arrival timestamps, retention and the Date header. */
export class Clock {
  offsetMs = 0
  #heldAt: number | undefined
  #passedMs = 0

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.offsetMs
  }

  /** Milliseconds of the clock that rates and the 5-second rule go by; it never goes back. */
  readonly steady = (): number => (this.#heldAt ?? performance.now()) + this.#passedMs

  /** The steady clock stands still: what a shard has given this second it has given, until time is let pass. */
  hold(): void {
    this.#heldAt ??= performance.now()
  }

  pass(ms: number): void {
    this.#passedMs += ms
  }
}
