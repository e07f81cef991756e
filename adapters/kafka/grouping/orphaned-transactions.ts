import { randomUUID } from 'node:crypto'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/protocol/init-producer-id.ts'
import { listTransactions } from '../wire/protocol/list-transactions.ts'
import { retrying } from '../wire/retry.ts'
import type { KafkaWire } from '../wire/wire.ts'
import { REQUEST_MS } from './group-requests.ts'

const LIMIT = { timeoutMs: REQUEST_MS }
/** Coordinators move and load within this. Milliseconds. */
const PATIENCE_MS = 30_000

const prefixOf = (group: string): string => `millrace/${group}/`

/** A fresh transactional id by which a group finds out what one of its members has left behind. */
export function memberTransactionalId(group: string, memberId: string): string {
  return `${prefixOf(group)}${memberId}/${randomUUID()}`
}

/**
 * Aborts open transactions of members that the group no longer has: a process that was killed leaves its own open until
 * their time-out, which by default holds up readers of its results, and the partitions it had checkpointed in them, for a minute.
 * Again while coordinators move; best effort: where it may not be done, or brokers are older than 3.0, the time-out does it.
 * `living` is asked when it is known what is open: the group's members then, or undefined where that is somebody else's to judge.
 */
export async function abortOrphanedTransactions(
  { wire }: KafkaCluster,
  group: string,
  living: () => Promise<ReadonlySet<string> | undefined>,
  signal: AbortSignal,
): Promise<void> {
  const prefix = prefixOf(group)
  const memberOf = (transactionalId: string): string =>
    transactionalId.slice(prefix.length, transactionalId.lastIndexOf('/'))
  const attempt = async (): Promise<void> => {
    const listed = await Promise.allSettled(wire.brokers().map(({ node }) => openAt(wire, node)))
    const failures: unknown[] = []
    const open: string[] = []
    for (const result of listed) {
      if (result.status === 'rejected') failures.push(result.reason)
      else open.push(...result.value.filter((id) => id.startsWith(prefix)))
    }
    if (open.length === 0 && failures.length === 0) return
    const members = await living()
    if (members === undefined) return
    for (const transactionalId of open) {
      if (members.has(memberOf(transactionalId))) continue
      await abort(wire, transactionalId).catch((error) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }
  const deadline = performance.now() + PATIENCE_MS
  await retrying(attempt, {
    deadline,
    signal,
    pauseMs: 100,
  })
}

async function openAt(wire: KafkaWire, node: number): Promise<string[]> {
  const answer = await wire.request({ kind: 'node', node }, listTransactions, { states: ['Ongoing'] }, LIMIT)
  if (answer.errorCode !== KafkaError.NONE) throw errorOf(answer.errorCode, 'listing transactions')
  return answer.transactions.map(({ transactionalId }) => transactionalId)
}

/** Whoever takes the id over has what is open aborted; CONCURRENT_TRANSACTIONS is the answer while that goes on. */
async function abort(wire: KafkaWire, transactionalId: string): Promise<void> {
  const to = { kind: 'transaction', transactionalId } as const
  const request = { transactionalId, transactionTimeoutMs: 1_000, producerId: -1, producerEpoch: -1 }
  const { errorCode } = await wire.request(to, initProducerId, request, LIMIT)
  if (errorCode === KafkaError.NONE || errorCode === KafkaError.CONCURRENT_TRANSACTIONS) return
  if (isStale(errorCode)) wire.invalidate(to)
  throw errorOf(errorCode, `ending the transaction of '${transactionalId}'`)
}
