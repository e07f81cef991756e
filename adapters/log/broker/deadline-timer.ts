/**
 * One unref'd timer for the earliest of many deadlines, by the monotonic clock. `due` is told how much too late it comes:
 * a process that was stopped or blocked heard nobody meanwhile, and must not hold that against them.
 */
export class DeadlineTimer {
  readonly #due: (lateMs: number) => void
  #timer: NodeJS.Timeout | undefined
  #at = Number.POSITIVE_INFINITY

  constructor(due: (lateMs: number) => void) {
    this.#due = due
  }

  /** The deadline that is now the earliest, in milliseconds of `performance.now()`; Infinity: none. */
  plan(at: number): void {
    if (at === this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    if (at === Number.POSITIVE_INFINITY) return
    const delay = Math.min(Math.max(0, Math.ceil(at - performance.now())), MAX_DELAY_MS)
    this.#timer = setTimeout(() => {
      const late = performance.now() - this.#at
      this.#at = Number.POSITIVE_INFINITY
      this.#due(Math.max(0, late))
    }, delay)
    this.#timer.unref()
  }

  cancel(): void {
    this.plan(Number.POSITIVE_INFINITY)
  }
}

const MAX_DELAY_MS = 2 ** 31 - 1
