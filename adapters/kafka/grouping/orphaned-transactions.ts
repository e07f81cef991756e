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
 * Best effort: where it may not be done, or brokers are older than 3.0, the time-out does it. `stillLeads` is asked when it is
 * known what is open: only a member that came since could have been taken for gone.
 */
export async function abortOrphanedTransactions(
  { wire }: KafkaCluster,
  group: string,
  members: ReadonlySet<string>,
  stillLeads: () => boolean,
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
    if (members.has(memberId) || !stillLeads()) continue
    // Whoever takes the id over has what is open aborted; CONCURRENT_TRANSACTIONS is the answer while that goes on.
    const request = { transactionalId, transactionTimeoutMs: 1_000, producerId: -1, producerEpoch: -1 }
    await wire
      .request({ kind: 'transaction', transactionalId }, initProducerId, request, { timeoutMs: REQUEST_MS })
      .catch(() => {})
  }
}
