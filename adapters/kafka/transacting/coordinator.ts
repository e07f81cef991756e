import { setTimeout as sleep } from 'node:timers/promises'
import { classify } from '../classify.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import type { Api, BrokerRef, KafkaWire } from '../wire/wire.ts'

/** The marker of the transaction before is still being written: takes a few milliseconds. */
const CONCURRENT_PAUSE_MS = 20
const MAX_PAUSE_MS = 1_000
/** A coordinator that hangs is given up while there is time to ask the next one. Milliseconds. */
const REQUEST_MS = 10_000

/**
 * Asks a coordinator until it has decided, wherever it has moved to. `codeOf` picks out of the answer the error code that
 * counts. Throws what is for good, and what still stands at the deadline (`performance.now()`).
 */
export async function askCoordinator<Request, Response>(
  wire: KafkaWire,
  to: BrokerRef,
  api: Api<Request, Response>,
  request: Request,
  doing: string,
  codeOf: (answer: Response) => number,
  deadline: number,
): Promise<Response> {
  for (let pauseMs = CONCURRENT_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    let error = undefined as ReturnType<typeof classify> | undefined
    let concurrent = false
    try {
      const answer = await wire.request(to, api, request, { timeoutMs: REQUEST_MS })
      const code = codeOf(answer)
      if (code === KafkaError.NONE) return answer
      concurrent = code === KafkaError.CONCURRENT_TRANSACTIONS
      if (isStale(code)) wire.invalidate(to)
      error = errorOf(code, doing)
      // What is not there yet may be unknown to this broker for a moment.
      if (!error.retryable && code !== KafkaError.UNKNOWN_TOPIC_OR_PARTITION) throw error
    } catch (cause) {
      error = classify(cause)
      if (!error.retryable && error.code !== 'NOT_FOUND') throw error
    }
    if (concurrent) pauseMs = CONCURRENT_PAUSE_MS
    if (performance.now() + pauseMs > deadline) throw error
    await sleep(pauseMs)
  }
}
