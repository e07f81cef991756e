import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  abortOrphanedTransactions,
  memberTransactionalId,
} from '../../../../adapters/kafka/grouping/orphaned-transactions.ts'
import { FakeWire } from '../support/fake-wire.ts'

const NONE = 0
const COORDINATOR_LOAD_IN_PROGRESS = 14
const NOT_COORDINATOR = 16
const CONCURRENT_TRANSACTIONS = 51

const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Two brokers; the second has what a member `gone` left open, and one of a member that lives. */
function setUp() {
  const wire = new FakeWire()
  wire.nodes = [1, 2]
  const orphan = memberTransactionalId('g', 'gone')
  const open = new Set([orphan, memberTransactionalId('g', 'live'), 'somebody-else'])
  /** What brokers answer first. */
  const faults = { listing: [] as number[], ending: [] as number[] }
  const aborted: string[] = []
  wire.answer = ({ node, api, request }) => {
    if (api === 'ListTransactions') {
      const errorCode = node === 2 ? (faults.listing.shift() ?? NONE) : NONE
      const transactions = node === 2 && errorCode === NONE ? [...open] : []
      return { errorCode, transactions: transactions.map((transactionalId) => ({ transactionalId })) }
    }
    const errorCode = faults.ending.shift() ?? NONE
    if (errorCode === NONE || errorCode === CONCURRENT_TRANSACTIONS) {
      aborted.push(request.transactionalId)
      open.delete(request.transactionalId)
    }
    return { errorCode, producerId: 1, producerEpoch: 1 }
  }
  const abort = (living: ReadonlySet<string> | undefined) => {
    const never = new AbortController().signal
    const cluster = { wire, logger, rack: undefined, groupProtocol: 'classic' } as const
    return abortOrphanedTransactions(cluster, 'g', async () => living, never)
  }
  return { wire, orphan, faults, aborted, abort }
}

test('are aborted by whoever leads the group, through coordinators that move and load', async () => {
  const { orphan, faults, aborted, abort } = setUp()
  faults.listing = [COORDINATOR_LOAD_IN_PROGRESS]
  faults.ending = [NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS]
  await abort(new Set(['live']))
  assert.deepEqual(aborted, [orphan])
})

test('are left to the broker that is ending them already', async () => {
  const { orphan, faults, aborted, abort } = setUp()
  faults.ending = [CONCURRENT_TRANSACTIONS]
  await abort(new Set(['live']))
  assert.deepEqual(aborted, [orphan])
})

test('are nothing that one who has stopped leading may touch', async () => {
  const { wire, aborted, abort } = setUp()
  await abort(undefined)
  assert.deepEqual(aborted, [])
  assert.ok(wire.asked.every(({ api }) => api === 'ListTransactions'))
})
