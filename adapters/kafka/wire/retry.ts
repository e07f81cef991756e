import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'

export interface RetryOptions {
  /** `performance.now()` after which no attempt begins. */
  readonly deadline: number
  /** Ends waiting; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** The first pause. Milliseconds; default: 20, doubled up to `maxPauseMs`. */
  readonly pauseMs?: number
  /** Default: 1,000. */
  readonly maxPauseMs?: number
  /** Whether an error is worth another attempt. Default: `retryable`. */
  readonly again?: (error: StreamError) => boolean
}

/** Calls `attempt` until it resolves, its error is for good, or the deadline is over: then it throws that error. */
export async function retrying<T>(
  attempt: (attempts: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { deadline, signal, pauseMs = 20, maxPauseMs = 1_000, again } = options
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted()
    try {
      return await attempt(attempts)
    } catch (cause) {
      const error = classify(cause)
      const pause = Math.min(maxPauseMs, pauseMs * 2 ** (attempts - 1)) * (0.8 + 0.4 * Math.random())
      const useful = again === undefined ? error.retryable : again(error)
      if (!useful || performance.now() + pause > deadline) throw error
      try {
        await sleep(pause, undefined, { signal })
      } catch {
        signal?.throwIfAborted()
      }
    }
  }
}
