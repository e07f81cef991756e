import { setTimeout as sleep } from 'node:timers/promises'

/** Time as members of groups know it: monotonic, never a wall clock. */
export interface Clock {
  /** Milliseconds since some origin; goes on while the process is stopped. */
  now(): number
  /** Resolves after so long, or when the signal ends it. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(Math.max(0, ms), undefined, { signal }).catch(() => {}),
}
