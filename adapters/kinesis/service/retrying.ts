import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'

export interface RetryOptions {
  /** `performance.now()` after which no attempt begins. */
  readonly deadline: number
  /** Ends waiting; its reason is thrown. */
  readonly signal?: AbortSignal | undefined
  /** The longest first pause, doubled with each. Milliseconds; default: 100. */
  readonly pauseMs?: number
  /** Milliseconds; default: 2,000. */
  readonly maxPauseMs?: number
  /** Whether an error is worth another attempt. Default: `retryable`. */
  readonly again?: (error: StreamError) => boolean
}

/**
 * Calls `attempt` until it resolves, its error is for good, or the deadline is over: then it throws that error. Pauses are
 * random between half and all of their length, as many processes are throttled at once.
 */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { deadline, signal, maxPauseMs = 2_000, again = isRetryable } = options
  let longest = options.pauseMs ?? 100
  while (true) {
    signal?.throwIfAborted()
    let error: StreamError
    try {
      return await attempt()
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      error = classify(cause)
    }
    const pause = longest * (0.5 + 0.5 * Math.random())
    if (!again(error) || performance.now() + pause > deadline) throw error
    longest = Math.min(maxPauseMs, longest * 2)
    await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {})
  }
}

const isRetryable = (error: StreamError): boolean => error.retryable
