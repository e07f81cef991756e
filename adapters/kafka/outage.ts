import type { Logger, StreamError } from '../../src/driver.ts'

/** How often what goes on is told again. Milliseconds. */
const AGAIN_MS = 60_000

/**
 * Watches something that is tried until it works, and tells the log when that takes long: what passes soon is no news, but nobody is
 * to wait in silence.
 */
export class Outage {
  readonly #logger: Logger
  readonly #what: string
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #afterMs: number
  #since: number | undefined
  #toldAt: number | undefined

  /** `what` begins the messages: "group 'orders' is not reached". It is told when it has lasted `afterMs`, then each minute. */
  constructor(logger: Logger, what: string, fields: Readonly<Record<string, unknown>>, afterMs: number) {
    this.#logger = logger
    this.#what = what
    this.#fields = fields
    this.#afterMs = afterMs
  }

  failed(error: StreamError): void {
    const now = performance.now()
    this.#since ??= now
    const quiet =
      this.#toldAt === undefined ? now - this.#since < this.#afterMs : now - this.#toldAt < AGAIN_MS
    if (quiet) return
    this.#toldAt = now
    this.#logger.warn(
      `${this.#what} for ${seconds(now - this.#since)}, and is tried again: ${error.message}`,
      {
        ...this.#fields,
        code: error.code,
      },
    )
  }

  passed(): void {
    if (this.#toldAt !== undefined && this.#since !== undefined) {
      const lasted = seconds(performance.now() - this.#since)
      this.#logger.info(`${this.#what} no longer: that lasted ${lasted}`, this.#fields)
    }
    this.#since = undefined
    this.#toldAt = undefined
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
