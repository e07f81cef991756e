import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Assignment, Driver } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'
import { TestCluster } from '../support/test-cluster.ts'
import { TestMember } from '../support/test-member.ts'

/** Of the transaction, were it left to itself. */
const TIMEOUT_MS = 120_000

describe.skipIf(!inject('docker')).each(['classic', 'consumer'] as const)(
  'what a member of the %s protocol that is gone has left open',
  (groupProtocol) => {
    let cluster: TestCluster
    let address: string

    beforeAll(async () => {
      address = await sharedBroker()
      cluster = await TestCluster.open(address, undefined, groupProtocol)
    }, 120_000)
    afterAll(() => cluster?.close())

    test('is aborted by its group long before its time-out: partitions and results are held up by nothing', async () => {
      const topic = await cluster.topic()
      const into = await cluster.topic()
      const group = uniqueName('group')
      const { driver, assignment, member } = await joined(group, topic)
      const producer = await driver.openTransactions!({ clientId: 'tests', timeoutMs: TIMEOUT_MS })
      const tx = await producer.begin()
      const record = {
        key: null,
        value: Buffer.from('never'),
        headers: [],
        timestamp: undefined,
        partition: undefined,
      }
      await tx.send(into, [record])
      await tx.checkpoint(member, [{ assignment, checkpoint: '0:0', state: Buffer.from('never') }])
      // As far as the transaction goes this is what kill -9 does: it stays open.
      await driver.close()
      const began = performance.now()
      const heir = await TestMember.join(cluster, group, topic)
      const [taken] = await heir.holds(1)
      assert.deepEqual([taken!.checkpoint, taken!.state], ['0', null])
      await cluster.write(into, 0, ['after'])
      const reader = await openKafka(`kafka://${address}`, { logger: quiet })
      const visible = async () => {
        const it = await reader.openReader({
          topic: into,
          partition: '0',
          start: { from: 'earliest' },
          until: 'now',
        })
        const seen: string[] = []
        for (;;) {
          const batch = await it.next({ maxBytes: 1 << 20, signal: new AbortController().signal })
          if (batch === null) break
          for (let i = 0; i < batch.count; i++) seen.push(String(batch.value(i)))
        }
        await it.close()
        assert.ok(!seen.includes('never'))
        return seen.includes('after')
      }
      await eventually(visible, { withinMs: 30_000, what: 'what was written later is visible' })
      const took = performance.now() - began
      assert.ok(took < TIMEOUT_MS / 2, `it took ${Math.round(took)} ms`)
      await reader.close()
      await heir.member.leave()
    })

    async function joined(group: string, topic: string) {
      const driver: Driver = await openKafka(`kafka://${address}?groupProtocol=${groupProtocol}`, {
        logger: quiet,
      })
      const held: Assignment[] = []
      const member = await driver.joinGroup(
        {
          group,
          topics: [topic],
          from: 'earliest',
          clientId: 'tests',
          sessionTimeoutMs: 5_000,
          drainTimeoutMs: 1_000,
        },
        { assigned: (assignment) => held.push(assignment), revoked: async () => {}, lost() {}, failed() {} },
      )
      const assignment = await eventually(() => held[0], { withinMs: 30_000, what: 'an assignment' })
      return { driver, member, assignment }
    }
  },
)
