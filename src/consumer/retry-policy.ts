import { DecodeError, StreamError } from '../errors.ts'
import type { RetryOptions } from './options.ts'

/** How often a handler is tried, and how long it waits between. */
export class RetryPolicy {
  readonly attempts: number
  private readonly backoffMs: number
  private readonly maxBackoffMs: number
  private readonly allows: (error: unknown) => boolean

  constructor(options: RetryOptions = {}) {
    this.attempts = options.attempts ?? 5
    this.backoffMs = options.backoffMs ?? 100
    this.maxBackoffMs = options.maxBackoffMs ?? 30_000
    this.allows = options.retryable ?? (() => true)
    if (this.attempts >= 1) return
    throw new StreamError('INVALID_ARGUMENT', `retry.attempts is ${options.attempts}: give 1 or more calls.`)
  }

  /** Whether the handler is called again after its `attempt`th call failed so. */
  again(attempt: number, error: unknown): boolean {
    return attempt < this.attempts && !(error instanceof DecodeError) && this.allows(error)
  }

  /** Wait before the call that follows the `attempt`th; half of it is jitter, so that failures do not march in step. */
  delayMs(attempt: number): number {
    const full = Math.min(this.maxBackoffMs, this.backoffMs * 2 ** (attempt - 1))
    return full / 2 + (Math.random() * full) / 2
  }
}

/** Waits, or rejects with the signal's reason. */
export function backoff(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
