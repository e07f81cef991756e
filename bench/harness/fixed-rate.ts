import type { Latency, Round } from './contender.ts'
import { startClock } from './timed.ts'

/** Sends so many records a second, one call each, without waiting for answers. */
export const RATE = 5_000
const SECONDS = 2
/** At the beginning of a round, not counted. */
const SETTLING_MS = 300

/** Where the handler reports what it was given. */
export interface Arrivals {
  arrived(value: Uint8Array): void
}

/**
 * How the sender waits for a record's time. `spin` looks at the clock all the time and is never late by itself; `timer` is late by up to a
 * millisecond or so, which counts, and leaves the core to the brokers that share it.
 */
export type Clock = 'spin' | 'timer'

/**
 * One round: `send` is called for each record at its time, and what counts is from that intended time, late or not, until the
 * handler has the record. Value bytes 2 to 9 carry it.
 */
export class FixedRate implements Arrivals {
  private readonly clock: Clock
  private latencies: number[] = []
  private left = 0
  private origin = 0
  private arrivedAll: (() => void) | undefined

  constructor(clock: Clock) {
    this.clock = clock
  }

  arrived(value: Uint8Array): void {
    const now = performance.now()
    const intended = new DataView(value.buffer, value.byteOffset).getFloat64(2, true)
    if (intended - this.origin >= SETTLING_MS) this.latencies.push(now - intended)
    if (--this.left === 0) this.arrivedAll?.()
  }

  async round(values: readonly Buffer[], send: (value: Buffer) => Promise<unknown>): Promise<Round> {
    const total = RATE * SECONDS
    this.latencies = []
    this.left = total
    const all = new Promise<void>((resolve, reject) => {
      this.arrivedAll = resolve
      this.origin = performance.now()
      let sent = 0
      const step = (): void => {
        const due = Math.min(total, ((performance.now() - this.origin) * RATE) / 1000)
        for (; sent < due; sent++) {
          const value = Buffer.from(values[sent % values.length]!)
          value.writeDoubleLE(this.origin + (sent * 1000) / RATE, 2)
          send(value).catch(reject)
        }
        if (sent === total) return
        if (this.clock === 'spin') setImmediate(step)
        else setTimeout(step, 1)
      }
      step()
    })
    const stop = startClock()
    await all
    return stop(total, this.quantiles())
  }

  private quantiles(): Latency {
    const sorted = Float64Array.from(this.latencies).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
    return { p50: at(0.5), p99: at(0.99) }
  }
}
