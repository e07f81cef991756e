import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaError } from '../wire/error-codes.ts'
import { describeTransactions } from '../wire/protocol/describe-transactions.ts'
import type { KafkaWire } from '../wire/wire.ts'

const PATIENCE_MS = 2_000
const REQUEST_MS = 2_000

/**
 * Waits until the markers of a decided transaction are written, a few milliseconds after EndTxn was answered: only then do readers
 * see it, and may the next transaction of the id begin. Never rejects: the decision stands, and where this cannot be asked
 * (Kafka before 3.0, no right to describe) or takes longer, it is carried out all the same.
 */
export async function awaitMarkers(wire: KafkaWire, transactionalId: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let pauseMs = 1; performance.now() < deadline; pauseMs = Math.min(50, pauseMs * 2)) {
    try {
      const request = { transactionalIds: [transactionalId] }
      const to = { kind: 'transaction', transactionalId } as const
      const [described] = await wire.request(to, describeTransactions, request, { timeoutMs: REQUEST_MS })
      if (described?.errorCode !== KafkaError.NONE || !described.state.startsWith('Prepare')) return
    } catch {
      return
    }
    await sleep(pauseMs)
  }
}
