/**
 * The other side's clock, as the Date headers of its answers tell it. Each says: between sending and receiving it was that second.
 * What all of them agree on is narrower than a second after a few requests.
 */
export class ServerClock {
  /** Bounds of the server's time less `performance.now()`. */
  #from = Number.NEGATIVE_INFINITY
  #to = Number.POSITIVE_INFINITY

  /** `sentAt` and `receivedAt` by `performance.now()`. What is no date is passed over. */
  heard(date: string, sentAt: number, receivedAt: number): void {
    const second = Date.parse(date)
    if (Number.isNaN(second)) return
    const from = second - receivedAt
    const to = second + 1_000 - sentAt
    if (from > this.#to || to < this.#from) {
      // One of the clocks was set: only what is new counts.
      this.#from = from
      this.#to = to
      return
    }
    this.#from = Math.max(this.#from, from)
    this.#to = Math.min(this.#to, to)
  }

  /** Milliseconds since the epoch; this machine's clock as long as nothing was heard. */
  now(): number {
    if (this.#from === Number.NEGATIVE_INFINITY) return Date.now()
    return Math.round(performance.now() + (this.#from + this.#to) / 2)
  }
}
