import type { Clock } from '../../../../../adapters/kinesis/leasing/clock.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock that goes when it is told to; what is due is done in its order, and all that follows from it is awaited. */
export class ManualClock implements Clock {
  #now = 1_000
  #sleepers: Sleeper[] = []

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        wake: () => {
          signal.removeEventListener('abort', sleeper.wake)
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
          resolve()
        },
      }
      signal.addEventListener('abort', sleeper.wake, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    while (true) {
      const next = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.at)
      next.wake()
      await settled()
    }
    this.#now = end
  }

  /** Time passes while the process stands still: what was due in between is late. */
  async jump(ms: number): Promise<void> {
    this.#now += ms
    await this.advance(0)
  }

  get sleepers(): number {
    return this.#sleepers.length
  }
}

/** Turns enough for all that needs no time. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise(setImmediate)
}
