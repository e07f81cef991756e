import { randomUUID } from 'node:crypto'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, KafkaError } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/protocol/init-producer-id.ts'
import { listTransactions } from '../wire/protocol/list-transactions.ts'
import { REQUEST_MS } from './group-requests.ts'

const prefixOf = (group: string): string => `millrace/${group}/`

/** A fresh transactional id by which a group finds out what one of its members has left behind. */
export function memberTransactionalId(group: string, memberId: string): string {
  return `${prefixOf(group)}${memberId}/${randomUUID()}`
}

/**
 * Aborts open transactions of members that the group no longer has: a process that was killed leaves its own open until
 * their time-out, which by default holds up readers of its results, and the partitions it had checkpointed in them, for a minute.
 * Best effort: where it may not be done, or brokers are older than 3.0, the time-out does it. `living` is asked when it is
 * known what is open: the group's members then, or undefined where that is somebody else's to judge.
 */
export async function abortOrphanedTransactions(
  { wire }: KafkaCluster,
  group: string,
  living: () => Promise<ReadonlySet<string> | undefined>,
): Promise<void> {
  const answers = wire.brokers().map(async ({ node }) => {
    const request = { states: ['Ongoing'] }
    const answer = await wire.request({ kind: 'node', node }, listTransactions, request, {
      timeoutMs: REQUEST_MS,
    })
    if (answer.errorCode !== KafkaError.NONE) throw errorOf(answer.errorCode, 'listing transactions')
    return answer.transactions
  })
  const listed = (await Promise.allSettled(answers)).flatMap((result) =>
    result.status === 'fulfilled' ? result.value : [],
  )
  const prefix = prefixOf(group)
  for (const { transactionalId } of listed) {
    if (!transactionalId.startsWith(prefix)) continue
    const memberId = transactionalId.slice(prefix.length, transactionalId.lastIndexOf('/'))
    const members = await living()
    if (members === undefined || members.has(memberId)) continue
    // Whoever takes the id over has what is open aborted; CONCURRENT_TRANSACTIONS is the answer while that goes on.
    const request = { transactionalId, transactionTimeoutMs: 1_000, producerId: -1, producerEpoch: -1 }
    await wire
      .request({ kind: 'transaction', transactionalId }, initProducerId, request, { timeoutMs: REQUEST_MS })
      .catch(() => {})
  }
}
