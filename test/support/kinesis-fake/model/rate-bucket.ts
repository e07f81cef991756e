/** What is missing of one by the rounding of clocks and sums is there. */
const ROUNDING = 1e-6

/** A second's worth of something, refilled all the time. */
export class RateBucket {
  readonly #perSecond: number
  readonly #steady: () => number
  #level: number
  #at: number

  /** `steady`: milliseconds of a clock that never goes back. */
  constructor(perSecond: number, steady: () => number) {
    this.#perSecond = perSecond
    this.#level = perSecond
    this.#steady = steady
    this.#at = steady()
  }

  /** Takes `amount` if it is there. More than a second's worth is given by a full bucket, which is in debt then. */
  take(amount: number): boolean {
    if (this.#perSecond === Infinity) return true
    this.#refill()
    if (!this.#covers(amount)) return false
    this.#level -= amount
    return true
  }

  /** Whether `take` would give. */
  has(amount: number): boolean {
    if (this.#perSecond === Infinity) return true
    this.#refill()
    return this.#covers(amount)
  }

  /** Takes without asking: debt is paid by waiting. */
  charge(amount: number): void {
    if (this.#perSecond === Infinity) return
    this.#refill()
    this.#level -= amount
  }

  /** Milliseconds until there is something again. */
  waitMs(): number {
    if (this.#perSecond === Infinity) return 0
    this.#refill()
    return this.#level > 0 ? 0 : ((1 - this.#level) / this.#perSecond) * 1_000
  }

  #covers(amount: number): boolean {
    return this.#level >= Math.min(amount, this.#perSecond) - ROUNDING
  }

  #refill(): void {
    const now = this.#steady()
    this.#level = Math.min(this.#perSecond, this.#level + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
  }
}
