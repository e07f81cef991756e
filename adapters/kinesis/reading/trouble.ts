import type { DriverReaderOptions, Logger, StreamError } from '../../../src/driver.ts'

const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 5_000
/** What lasts so long is worth a line in the log, and then one so often. */
const QUIET_MS = 10_000
const REMIND_MS = 60_000

/** Errors of a reader that pass by themselves: how long to wait for that, and when to speak of them. */
export class Trouble {
  readonly #logger: Logger
  readonly #name: string
  #since: number | undefined
  #saidAt: number | undefined
  #pauseMs = 0

  constructor(logger: Logger, { topic, partition }: DriverReaderOptions) {
    this.#logger = logger
    this.#name = `shard ${partition} of '${topic}'`
  }

  /** How long to wait before the next attempt: longer each time, and random, as others were refused too. Milliseconds. */
  pauseMs(error: StreamError): number {
    const now = performance.now()
    this.#since ??= now
    if (now - this.#since > QUIET_MS && now - (this.#saidAt ?? -REMIND_MS) >= REMIND_MS) {
      this.#saidAt = now
      const seconds = Math.round((now - this.#since) / 1_000)
      this.#logger.warn(`reading ${this.#name} has not succeeded for ${seconds} s: ${error.message}`)
    }
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, this.#pauseMs * 2))
    return this.#pauseMs * (0.5 + Math.random() / 2)
  }

  over(): void {
    if (this.#saidAt !== undefined) this.#logger.info(`reading ${this.#name} goes on`)
    this.#since = undefined
    this.#saidAt = undefined
    this.#pauseMs = 0
  }
}
