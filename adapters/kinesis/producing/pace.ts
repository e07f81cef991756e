/** What the service grants a shard each second. */
const RECORDS_A_SECOND = 1_000
const BYTES_A_SECOND = 1_000_000
/** Of a second's worth: what may go at once after a pause. */
const BURST = 0.5
/** Of a second's worth: fewer records are not worth a request. */
const WORTH_WHILE = 0.05
const SLOWER = 0.7
const SLOWEST = 0.05
/** Of the granted rate, each second without a throttle. */
const FASTER_A_SECOND = 0.1
/** Throttles of requests that were on their way together count once. */
const ONE_THROTTLE_MS = 150
/** Where so many times the granted rate goes through, there is no limit to keep. */
const UNLIMITED = 4

/**
 * How fast one shard is written to. Without limit until it throttles; then at what the service grants, slower with each
 * throttle and faster with each second without one, as others may write to the same shard.
 */
export class Pace {
  /** Of the granted rate; undefined: no limit known. */
  #factor: number | undefined
  #records = 0
  #bytes = 0
  /** `performance.now()` of the last look. */
  #at = 0
  #throttledAt = Number.NEGATIVE_INFINITY

  /** `performance.now()` from when it is worth while to send, with so many records waiting; now or earlier: at once. */
  readyAt(now: number, waiting: number): number {
    const factor = this.#factor
    if (factor === undefined) return now
    this.#refill(now)
    const worthWhile = Math.min(waiting, Math.max(1, RECORDS_A_SECOND * factor * WORTH_WHILE))
    const records = Math.max(0, worthWhile - this.#records) / (RECORDS_A_SECOND * factor)
    const bytes = Math.max(0, 1 - this.#bytes) / (BYTES_A_SECOND * factor)
    return now + Math.max(records, bytes) * 1_000
  }

  /** Whether another record may go now; a large one is paid off by a pause after it. */
  get mayTake(): boolean {
    return this.#factor === undefined || (this.#records >= 1 && this.#bytes >= 1)
  }

  spend(bytes: number): void {
    if (this.#factor === undefined) return
    this.#records--
    this.#bytes -= bytes
  }

  throttled(now: number): void {
    if (now - this.#throttledAt < ONE_THROTTLE_MS) return
    this.#throttledAt = now
    if (this.#factor === undefined) {
      this.#factor = 1
      this.#at = now
    } else {
      this.#refill(now)
      this.#factor = Math.max(SLOWEST, this.#factor * SLOWER)
    }
    this.#records = Math.min(0, this.#records)
    this.#bytes = Math.min(0, this.#bytes)
  }

  #refill(now: number): void {
    const seconds = (now - this.#at) / 1_000
    if (seconds <= 0 || this.#factor === undefined) return
    this.#at = now
    const factor = this.#factor
    this.#records = Math.min(
      RECORDS_A_SECOND * factor * BURST,
      this.#records + RECORDS_A_SECOND * factor * seconds,
    )
    this.#bytes = Math.min(BYTES_A_SECOND * factor * BURST, this.#bytes + BYTES_A_SECOND * factor * seconds)
    if (now - this.#throttledAt > 1_000) this.#factor = factor + FASTER_A_SECOND * seconds
    if (this.#factor > UNLIMITED) this.#factor = undefined
  }
}
