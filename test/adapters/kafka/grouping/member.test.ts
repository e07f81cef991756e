import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { KafkaGroups } from '../../../../adapters/kafka/grouping/kafka-groups.ts'
import { errorOf } from '../../../../adapters/kafka/wire/error-codes.ts'
import { addOffsetsToTxn } from '../../../../adapters/kafka/wire/protocol/add-offsets-to-txn.ts'
import { deleteTopics } from '../../../../adapters/kafka/wire/protocol/delete-topics.ts'
import { endTxn } from '../../../../adapters/kafka/wire/protocol/end-txn.ts'
import { initProducerId } from '../../../../adapters/kafka/wire/protocol/init-producer-id.ts'
import { offsetCommit } from '../../../../adapters/kafka/wire/protocol/offset-commit.ts'
import { offsetCommitByEpoch } from '../../../../adapters/kafka/wire/protocol/offset-commit-by-epoch.ts'
import { txnOffsetCommit } from '../../../../adapters/kafka/wire/protocol/txn-offset-commit.ts'
import { StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import { TestCluster } from '../support/test-cluster.ts'
import { TestMember } from '../support/test-member.ts'

describe.skipIf(!inject('docker')).each(['classic', 'consumer'] as const)(
  'members of a group of the %s protocol',
  (protocol) => {
    let cluster: TestCluster
    let other: TestCluster
    let groups: KafkaGroups

    beforeAll(async () => {
      cluster = await TestCluster.open(undefined, undefined, protocol)
      other = await TestCluster.open(undefined, undefined, protocol)
      groups = new KafkaGroups(cluster)
    }, 120_000)
    afterAll(async () => {
      await other?.close()
      await cluster?.close()
    })

    test('a member that comes takes its share when its owner has drained, and gives it back when it goes', async () => {
      const topic = await cluster.topic(4)
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic)
      await first.holds(4)
      const gate = Promise.withResolvers<void>()
      first.drain = () => gate.promise
      const second = await TestMember.join(other, group, topic)
      await eventually(() => first.events.filter((event) => event.startsWith('revoked')).length === 2)
      assert.equal(second.held.size, 0, 'nothing is given before it was let go')
      const kept = first.assignments.filter(({ partition }) => !first.events.includes(`revoked ${partition}`))
      assert.equal(await first.checkpoint(kept[0]!, '0'), undefined, 'work on the rest goes on')
      gate.resolve()
      const taken = await second.holds(2)
      await first.holds(2)
      for (const { epoch, partition } of taken) {
        assert.ok(epoch > kept[0]!.epoch, partition)
      }
      first.drain = async () => {}
      await second.member.leave()
      await first.holds(4)
      assert.ok(!first.events.some((event) => event.startsWith('lost')))
      await first.member.leave()
      assert.equal(first.held.size, 0)
    })

    test('a drain that does not end is cut off, and the partition lost', async () => {
      const topic = await cluster.topic(2)
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic, { drainTimeoutMs: 200 })
      await first.holds(2)
      first.drain = () => new Promise(() => {})
      const second = await TestMember.join(other, group, topic)
      const [taken] = await second.holds(1)
      assert.ok(first.events.includes(`lost ${taken!.partition}`))
      await Promise.all([first.member.stop(), second.member.leave()])
    })

    test('`latest` is resolved once; partitions that come later are read from their beginning', async () => {
      const topic = await cluster.topic(2)
      await cluster.write(topic, 0, ['a', 'b', 'c'])
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic, { from: 'latest' })
      assert.deepEqual(
        (await first.holds(2)).map(({ checkpoint }) => checkpoint),
        ['3', '0'],
      )
      await cluster.write(topic, 0, ['d'])
      await cluster.write(topic, 1, ['e'])
      await cluster.addPartitions(topic, 3)
      await cluster.write(topic, 2, ['f'])
      const three = await first.holds(3)
      assert.deepEqual(
        three.map(({ checkpoint }) => checkpoint),
        ['3', '0', '0'],
      )
      await first.member.leave()
      const second = await TestMember.join(cluster, group, topic, { from: 'latest' })
      assert.deepEqual(
        (await second.holds(3)).map(({ checkpoint }) => checkpoint),
        ['3', '0', '0'],
      )
      await second.member.leave()
    })

    test('two members that come at once to a new group begin where one of them said', async () => {
      const topic = await cluster.topic(6)
      for (let partition = 0; partition < 6; partition++) await cluster.write(topic, partition, ['old'])
      const group = uniqueName('group')
      const members = await Promise.all(
        [cluster, other].map((it) => TestMember.join(it, group, topic, { from: 'latest' })),
      )
      await Promise.all(members.map((member) => member.holds(3)))
      for (const member of members) {
        for (const { checkpoint } of member.assignments) assert.equal(checkpoint, '1')
      }
      await Promise.all(members.map(({ member }) => member.leave()))
    })

    test('state stands beside the checkpoint, stays until it is replaced, and is bounded', async () => {
      const topic = await cluster.topic()
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic)
      const [held] = await first.holds(1)
      assert.equal(held!.state, null)
      const state = 'x'.repeat(first.member.maxStateBytes)
      assert.equal(await first.checkpoint(held!, '0:0', state), undefined)
      assert.equal(await first.checkpoint(held!, '0:0'), undefined)
      assert.equal(await first.checkpoint(held!, '0', `${state}x`), 'INVALID_ARGUMENT')
      assert.equal(await first.checkpoint(held!, 'nonsense'), 'INVALID_ARGUMENT')
      await first.member.leave()
      const second = await TestMember.join(cluster, group, topic)
      const [again] = await second.holds(1)
      assert.equal(String(Buffer.from(again!.state!)), state)
      assert.equal(again!.checkpoint, '0:0')
      assert.ok(again!.epoch > held!.epoch)
      await second.member.leave()
      const described = await groups.describeGroup(group)
      assert.equal(described.state, 'empty')
      assert.equal(String(Buffer.from(described.partitions[0]!.state!)), state)
      await groups.seekGroup(group, topic, 'earliest', {})
      assert.equal((await groups.describeGroup(group)).partitions[0]!.state, null, 'a seek forgets it')
    })

    test('a partition that was given up is refused until it is reclaimed, and its checkpoint too', async () => {
      const topic = await cluster.topic(2)
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic)
      const [hung, fine] = await first.holds(2)
      await first.member.abandon(hung!)
      first.held.delete(`${topic}/${hung!.partition}`)
      assert.equal(await first.checkpoint(hung!, '0'), 'FENCED')
      assert.equal(await first.checkpoint(fine!, '0'), undefined)
      const second = await TestMember.join(other, group, topic)
      // Brokers that deal partitions out cannot be told to leave one out: the whole topic is left to others.
      const taken = await second.holds(protocol === 'classic' ? 1 : 2)
      const given = taken.find(({ partition }) => partition === hung!.partition)
      assert.ok(given!.epoch > hung!.epoch)
      await second.member.leave()
      await first.holds(1)
      assert.equal(first.assignments[0]!.partition, fine!.partition, 'it goes on with the rest')
      await first.member.reclaim(topic, hung!.partition)
      const back = (await first.holds(2)).find(({ partition }) => partition === hung!.partition)
      assert.ok(back!.epoch > given!.epoch)
      await first.member.leave()
    })

    test('alone, a member that has given a partition up goes on with the rest, and begins it anew when it reclaims it', async () => {
      const topic = await cluster.topic(2)
      const member = await TestMember.join(cluster, uniqueName('group'), topic)
      const [hung, fine] = await member.holds(2)
      await member.member.abandon(hung!)
      member.held.delete(`${topic}/${hung!.partition}`)
      assert.equal(await member.checkpoint(fine!, '0'), undefined)
      await member.member.reclaim(topic, hung!.partition)
      const back = (await member.holds(2)).find(({ partition }) => partition === hung!.partition)
      assert.ok(back!.epoch > hung!.epoch)
      assert.equal(await member.checkpoint(hung!, '0'), 'FENCED')
      assert.equal(await member.checkpoint(back!, '0'), undefined)
      await member.member.leave()
    })

    test('a forced seek sends the members away and they go on from there; unforced it is refused', async () => {
      const topic = await cluster.topic(2)
      await cluster.write(topic, 0, ['a', 'b'])
      const group = uniqueName('group')
      const member = await TestMember.join(cluster, group, topic)
      const [held] = await member.holds(2)
      await assert.rejects(groups.seekGroup(group, topic, 'latest', {}), code('FENCED'))
      await assert.rejects(groups.deleteGroup(group), code('FENCED'))
      await groups.seekGroup(group, topic, 'latest', { force: true })
      await eventually(() => member.events.includes('lost 0'))
      await eventually(() => member.held.size === 2)
      assert.equal(member.assignments[0]!.checkpoint, '2')
      assert.equal(await member.checkpoint(held!, '1'), 'FENCED')
      await member.member.leave()
      await groups.deleteGroup(group)
      await assert.rejects(groups.describeGroup(group), code('NOT_FOUND'))
    })

    test('what the member does not hold any more is fenced by the coordinator as well', async () => {
      const topic = await cluster.topic()
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic)
      const [held] = await first.holds(1)
      const stale = first.member.offsetCommit([{ assignment: held!, checkpoint: '0' }])
      await first.member.leave()
      const second = await TestMember.join(cluster, group, topic)
      await second.holds(1)
      const [api, refusal] = protocol === 'classic' ? [offsetCommit, 22] : [offsetCommitByEpoch, 113]
      const [answer] = await cluster.wire.request({ kind: 'group', group }, api, {
        group,
        generation: stale.generation,
        memberId: stale.memberId,
        groupInstanceId: null,
        partitions: stale.offsets,
      })
      assert.equal(answer!.errorCode, 25)
      const [again] = second.assignments
      const current = second.member.offsetCommit([{ assignment: again!, checkpoint: '0' }])
      assert.throws(
        () => second.member.offsetCommit([{ assignment: held!, checkpoint: '0' }]),
        code('FENCED'),
      )
      const [late] = await cluster.wire.request({ kind: 'group', group }, api, {
        group,
        generation: stale.generation,
        memberId: current.memberId,
        groupInstanceId: null,
        partitions: current.offsets,
      })
      assert.equal(late!.errorCode, refusal)
      await second.member.leave()
    })

    test('and so is what it checkpoints in a transaction (KIP-447)', async () => {
      const topic = await cluster.topic()
      const group = uniqueName('group')
      const first = await TestMember.join(cluster, group, topic)
      const [held] = await first.holds(1)
      const stale = first.member.offsetCommit([{ assignment: held!, checkpoint: '0' }])
      await first.member.leave()
      const second = await TestMember.join(cluster, group, topic)
      const [again] = await second.holds(1)
      const current = second.member.offsetCommit([{ assignment: again!, checkpoint: '0' }])
      const transactionalId = second.member.transactionalId()
      const { producerId, producerEpoch } = await cluster.until(async () => {
        const to = { kind: 'transaction', transactionalId } as const
        const request = { transactionalId, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
        const answer = await cluster.wire.request(to, initProducerId, request)
        if (answer.errorCode !== 0) throw errorOf(answer.errorCode, 'initialising')
        return answer
      })
      const ref = { transactionalId, producerId, producerEpoch }
      const coordinator = { kind: 'transaction', transactionalId } as const
      const added = await cluster.wire.request(coordinator, addOffsetsToTxn, { ...ref, group })
      assert.equal(added.errorCode, 0)
      const commit = async (offsets: typeof stale): Promise<number> => {
        const to = { kind: 'group', group } as const
        const [answer] = await cluster.wire.request(to, txnOffsetCommit, { ...ref, ...offsets })
        return answer!.errorCode
      }
      assert.equal(await commit(stale), 25, 'a member that is gone')
      assert.equal(await commit({ ...current, generation: stale.generation }), 22, 'an epoch that has passed')
      assert.equal(await commit(current), 0)
      const ended = await cluster.wire.request(coordinator, endTxn, { ...ref, commit: true })
      assert.equal(ended.errorCode, 0)
      await second.member.leave()
    })

    test('a missing topic is NOT_FOUND when joining; one that is deleted ends the membership', async () => {
      const group = uniqueName('group')
      await assert.rejects(TestMember.join(cluster, group, uniqueName('missing')), code('NOT_FOUND'))
      const topic = await cluster.topic(2)
      const member = await TestMember.join(cluster, group, topic)
      await member.holds(2)
      await cluster.wire.request({ kind: 'controller' }, deleteTopics, { names: [topic], timeoutMs: 10_000 })
      await eventually(() => member.failure !== undefined, { withinMs: 15_000, what: 'the membership ends' })
      assert.equal(member.failure?.code, 'NOT_FOUND')
    })

    test('joining and leaving by many, in any order, never gives a partition to two', async () => {
      const topic = await cluster.topic(8)
      const group = uniqueName('group')
      const owners = new Map<string, string>()
      let members: TestMember[] = []
      for (let round = 0; round < 6; round++) {
        const joined = await TestMember.join(round % 2 === 0 ? cluster : other, group, topic)
        members.push(joined)
        if (round === 3) await Promise.all(members.splice(0, 2).map(({ member }) => member.leave()))
        await eventually(
          () => members.reduce((sum, { held }) => sum + held.size, 0) === 8 && isEven(members),
          {
            withinMs: 10_000,
            what: `even shares of 8: ${members.map(({ held }) => held.size)}`,
          },
        )
        owners.clear()
        for (const { held, member } of members) {
          for (const key of held.keys()) {
            assert.ok(!owners.has(key), `${key} has two owners`)
            owners.set(key, member.memberId)
          }
        }
      }
      await Promise.all(members.map(({ member }) => member.leave()))
      members = []
    })
  },
)

const isEven = (members: readonly TestMember[]): boolean => {
  const sizes = members.map(({ held }) => held.size)
  return Math.max(...sizes) - Math.min(...sizes) <= 1
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof StreamError, String(error))
  assert.equal(error.code, expected, error.message)
  return true
}
