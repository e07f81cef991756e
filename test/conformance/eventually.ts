import { setTimeout as wait } from 'node:timers/promises'

export interface EventuallyOptions {
  /** Milliseconds. Default: 8,000. */
  readonly withinMs?: number
  /** For the error: what was waited for. A function is called at the deadline, to tell how far it had come. */
  readonly what?: string | (() => string)
  /** Asked at each turn; throws what makes waiting on pointless. */
  readonly unless?: () => void
}

let patience = 1

/** From now on this process waits so many times longer for what is to come: for backends that share a busy machine. */
export function setPatience(times: number): void {
  patience = times
}

/** So many milliseconds, times what `setPatience` was given. */
export const patiently = (ms: number): number => ms * patience

/** Asks until the answer is neither undefined nor false, and gives it; throws at the deadline with the last error as cause. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const { what = String(ask) } = options
  const withinMs = patiently(options.withinMs ?? 8_000)
  const deadline = performance.now() + withinMs
  let cause: unknown
  for (let pauseMs = 2; ; pauseMs = Math.min(25, pauseMs * 1.5)) {
    options.unless?.()
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer as Exclude<Awaited<T>, undefined | false>
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) {
      const waitedFor = typeof what === 'string' ? what : what()
      throw new Error(`not within ${withinMs} ms: ${waitedFor}`, { cause })
    }
    await wait(pauseMs)
  }
}

/** Rejects when `promise` has not settled in so many milliseconds, times `setPatience`. The timer never outlives the call. */
export async function within<T>(limitMs: number, promise: Promise<T>, what: string): Promise<T> {
  const ms = patiently(limitMs)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
