import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import { TestCluster } from '../support/test-cluster.ts'
import { TestMember } from '../support/test-member.ts'

describe.skipIf(!inject('docker')).each(['classic', 'consumer'] as const)(
  'static members of a group of the %s protocol',
  (protocol) => {
    let cluster: TestCluster
    let other: TestCluster

    beforeAll(async () => {
      cluster = await TestCluster.open(undefined, undefined, protocol)
      other = await TestCluster.open(undefined, undefined, protocol)
    }, 120_000)
    afterAll(async () => {
      await other?.close()
      await cluster?.close()
    })

    test('one that comes back within the session has what it had, and nothing moves; as leader it goes on to lead', async () => {
      const topic = await cluster.topic(4)
      const group = uniqueName('group')
      const named = { instanceId: 'a', sessionTimeoutMs: 20_000 }
      const first = await TestMember.join(cluster, group, topic, named)
      await first.holds(4)
      const second = await TestMember.join(other, group, topic, { ...named, instanceId: 'b' })
      await second.holds(2)
      const had = await first.holds(2)
      const heard = second.events.length
      assert.equal(await first.checkpoint(had[0]!, '0:0', 'state'), undefined)
      await first.member.leave()
      const back = await TestMember.join(cluster, group, topic, named)
      const has = await back.holds(2)
      assert.deepEqual(
        has.map(({ partition }) => partition),
        had.map(({ partition }) => partition),
      )
      assert.equal(has[0]!.checkpoint, '0:0')
      for (const [i, { epoch }] of has.entries()) assert.ok(epoch > had[i]!.epoch, 'another tenure')
      assert.equal(second.events.length, heard, 'the other one noticed nothing')
      assert.equal(await second.checkpoint(second.assignments[0]!, '0'), undefined)
      // It leads, so it sees to partitions that are added.
      await cluster.addPartitions(topic, 6)
      await Promise.all([back.holds(3), second.holds(3)])
      await Promise.all([back.member.leave(), second.member.leave()])
    })

    test('one that comes back for other topics is given those', async () => {
      const [before, after] = [await cluster.topic(2), await cluster.topic(2)]
      const group = uniqueName('group')
      const named = { instanceId: 'a', sessionTimeoutMs: 20_000 }
      const first = await TestMember.join(cluster, group, before, named)
      await first.holds(2)
      await first.member.leave()
      const back = await TestMember.join(cluster, group, after, named)
      await eventually(() => back.held.size === 2 && back.assignments.every(({ topic }) => topic === after), {
        withinMs: 30_000,
        what: () => `the other topic's partitions: ${back.events}`,
      })
      await back.member.leave()
    })

    test('of two who live at once one fails and says why; the other has the partitions', async () => {
      const topic = await cluster.topic(2)
      const group = uniqueName('group')
      const named = { instanceId: 'a', sessionTimeoutMs: 3_000 }
      const first = await TestMember.join(cluster, group, topic, named)
      const [held] = await first.holds(2)
      const reason = /instanceId 'a'.*end one of them/
      if (protocol === 'consumer') {
        // The one that has it keeps it; whoever comes is refused when the session that it may be restarted from is over.
        const refused = (error: unknown) =>
          error instanceof StreamError && error.code === 'FENCED' && reason.test(error.message)
        await assert.rejects(TestMember.join(other, group, topic, named), refused)
        assert.equal(await first.checkpoint(held!, '0'), undefined)
        await first.member.leave()
        return
      }
      const second = await TestMember.join(other, group, topic, named)
      const [taken] = await second.holds(2)
      assert.equal(await second.checkpoint(taken!, '0:0'), undefined)
      assert.equal(await first.checkpoint(held!, '0'), 'FENCED')
      await eventually(() => first.failure !== undefined, {
        withinMs: 30_000,
        what: 'the former one fails',
      })
      assert.equal(first.failure?.code, 'FENCED')
      assert.match(first.failure!.message, reason)
      assert.equal(await second.checkpoint(taken!, '0'), undefined, 'its end does not touch the other')
      await second.member.leave()
    })

    test('one that does not come back loses its place when its session is over', async () => {
      const topic = await cluster.topic(2)
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic, { instanceId: 'a', sessionTimeoutMs: 4_000 })
      await first.holds(2)
      const second = await TestMember.join(other, group, topic)
      await Promise.all([first.holds(1), second.holds(1)])
      await first.member.leave()
      assert.equal(second.held.size, 1, 'closing moves nothing')
      await second.holds(2)
      await second.member.leave()
    })
  },
)
