import { StreamError } from '../../../src/driver.ts'

interface Waiting {
  readonly signal: AbortSignal
  readonly onAbort: () => void
  readonly resolve: () => void
}

const WINDOW_MS = 1_000

/**
 * So many calls in any second, for all who share it; whoever waits longest is next. A call holds its place until a second after its
 * answer, since nobody knows when within it the service counted.
 */
export class CallBudget {
  /** When places are free again, by `performance.now()`; those of running calls are left out. */
  readonly #freeAt: number[]
  #waiting: Waiting[] = []
  #notBefore = 0
  #timer: NodeJS.Timeout | undefined

  constructor(callsPerSecond: number) {
    this.#freeAt = new Array<number>(Math.min(1_000, callsPerSecond)).fill(0)
  }

  /** Resolves when a call may begin, which `end` has to follow. Rejects with the signal's reason. */
  begin(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        this.#admit()
        reject(signal.reason ?? new StreamError('CLOSED', 'nobody waits any more: open another reader'))
      }
      const waiting: Waiting = { signal, onAbort, resolve }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiting)
      this.#admit()
    })
  }

  end(): void {
    this.#freeAt.push(performance.now() + WINDOW_MS)
    this.#admit()
  }

  /** No call begins within the next `ms`. */
  hold(ms: number): void {
    this.#notBefore = Math.max(this.#notBefore, performance.now() + ms)
    this.#admit()
  }

  #admit(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#waiting.length > 0 && this.#freeAt.length > 0) {
      const now = performance.now()
      const first = this.#freeAt.indexOf(Math.min(...this.#freeAt))
      const at = Math.max(this.#freeAt[first]!, this.#notBefore)
      if (at > now) {
        this.#timer = setTimeout(() => this.#admit(), Math.ceil(at - now))
        return
      }
      this.#freeAt.splice(first, 1)
      const { signal, onAbort, resolve } = this.#waiting.shift()!
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
  }
}
