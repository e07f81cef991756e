import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { now } from '../oracle/events.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Groups: their checkpoints, lag and seeks. */
export const groups: readonly Case[] = [
  {
    id: 'groups/lag-reaches-zero',
    title: 'lag counts what is left and reaches 0 when all is done',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(6), perKey: 5 })
      const { groups: admin } = context.streams
      await admin.seekGroup(context.group, topic.name, 'earliest', {})
      const lag = async () => {
        const { partitions } = await admin.describeGroup(context.group)
        return partitions.reduce(
          (sum, partition) => sum + (partition.lag.records ?? partition.lag.millis ?? 0),
          0,
        )
      }
      assert.ok((await lag()) > 0, 'there is no lag before anything is read')
      const member = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(30, [member])
      await eventually(async () => (await lag()) === 0, { what: 'a lag of 0' })
      const described = await admin.describeGroup(context.group)
      assert.equal(described.group, context.group)
      assert.equal(described.members.length, 1)
      assert.ok(described.partitions.every(({ owner }) => owner === described.members[0]?.memberId))
      assert.ok((await admin.listGroups()).includes(context.group))
      await member.close()
    },
  },
  {
    id: 'groups/from',
    title: 'from latest passes over what was there, and is persisted at the first assignment',
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: ['old'], perKey: 5 })
      const first = await Member.start(context, { topics: [topic], consumer: { from: 'latest' } })
      await first.assigned()
      await first.close()
      await producer.burst({ keys: ['new'], perKey: 5 })
      const second = await Member.start(context, { topics: [topic], consumer: { from: 'latest' } })
      await context.untilDelivered(5, [second])
      await second.close()
      assert.deepEqual([...new Set(context.oracle.of('delivered').map(({ key }) => key))], ['new'])
    },
  },
  {
    id: 'groups/from-timestamp',
    title: 'a group begins at { timestamp } with the first record that is not older',
    async run(context) {
      const topic = await context.topic()
      const start = Date.now() - 60_000
      await using producer = context.streams.producer()
      for (let seq = 1; seq <= 6; seq++) {
        await producer.send(topic, { producer: 'p', key: 'k', seq }, { timestamp: start + seq * 1_000 })
      }
      const member = await Member.start(context, {
        topics: [topic],
        consumer: { from: { timestamp: start + 3_500 } },
      })
      await context.untilDelivered(3, [member])
      await member.close()
      assert.deepEqual(
        context.oracle.of('delivered').map(({ seq }) => seq),
        [4, 5, 6],
      )
    },
  },
  {
    id: 'groups/seek-under-load',
    title: 'a member seeks while its lanes are full: what was in work counts for the old delivery epoch',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(8), perKey: 15 })
      const run = { concurrency: 6 }
      const member = await Member.start(context, { topics: [topic], run, each: () => wait(1) })
      for (const enough of [20, 60]) {
        await eventually(() => context.oracle.deliveredTo(context.group) >= enough, {
          what: 'work under way',
        })
        const startedAt = now()
        await member.consumer.seek('earliest')
        context.oracle.record({
          type: 'sought',
          group: context.group,
          topic: topic.name,
          partition: null,
          startedAt,
        })
      }
      await context.untilDelivered(120, [member])
      const through = async () => {
        const { partitions } = await context.streams.groups.describeGroup(context.group)
        return partitions.every(({ lag }) => (lag.records ?? lag.millis ?? 0) === 0)
      }
      await eventually(through, { what: 'the group is through', unless: () => member.throwFailure() })
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'groups/independent',
    title: 'two groups are each given everything',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const other = context.unique('group')
      const members = [
        await Member.start(context, { topics: [topic] }),
        await Member.start(context, { topics: [topic], group: other }),
      ]
      await context.producer(topic).burst({ keys: keys(5), perKey: 5 })
      await context.untilDelivered(25, members)
      await context.untilDelivered(25, members, other)
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: [context.group, other].map((group) => ({ group, topic: topic.name })) })
    },
  },
  {
    id: 'groups/several-topics',
    title: 'one member consumes several topics',
    async run(context) {
      const topics = [await context.topic({ partitions: 2 }), await context.topic()]
      const member = await Member.start(context, { topics, run: { concurrency: 3 } })
      for (const topic of topics) await context.producer(topic).burst({ keys: keys(4), perKey: 5 })
      await context.untilDelivered(40, [member])
      await member.close()
      await context.judge({ complete: topics.map(({ name }) => ({ group: context.group, topic: name })) })
    },
  },
  {
    id: 'groups/different-topics',
    title: 'members of one group may read different topics: each partition goes to one that reads it',
    async run(context) {
      const topics = [await context.topic({ partitions: 2 }), await context.topic({ partitions: 2 })]
      const members = [
        await Member.start(context, { topics: [topics[0]!] }),
        await Member.start(context, { topics: [topics[1]!] }),
        await Member.start(context, { topics }),
      ]
      for (const topic of topics) await context.producer(topic).burst({ keys: keys(6), perKey: 5 })
      await context.untilDelivered(60, members)
      for (const [i, topic] of topics.entries()) {
        assert.ok(members[i]!.stats.assignments.every((assignment) => assignment.topic === topic.name))
      }
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: topics.map(({ name }) => ({ group: context.group, topic: name })) })
    },
  },
  {
    id: 'groups/manual-checkpoint',
    title: 'with checkpoint manual only what was asked for is recorded',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 10 })
      const consumer = { checkpoint: 'manual' } as const
      const first = await Member.start(context, {
        topics: [topic],
        consumer,
        async each(record, handler) {
          // Covers what returned before this one: records 1 to 5.
          if (record.value?.seq === 6) await handler.checkpoint()
        },
      })
      await context.untilDelivered(10, [first])
      await first.close()
      const second = await Member.start(context, { topics: [topic], consumer })
      const again = () =>
        context.oracle.of('delivered').filter(({ member }) => member === second.connection.member)
      await eventually(() => again().length === 5, {
        what: () => `5 records come again, there are ${again().length}`,
      })
      await second.close()
      assert.deepEqual(
        again().map(({ seq }) => seq),
        [6, 7, 8, 9, 10],
      )
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'groups/checkpoint-by-count',
    title: 'with checkpoint { records } it is recorded after so many',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 20 })
      const gate = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const member = await Member.start(context, {
        topics: [topic],
        consumer: { checkpoint: { intervalMs: 60_000, records: 5 } },
        each: (record) => (record.value!.seq > 12 ? gate.promise : undefined),
      })
      await eventually(() => context.oracle.of('checkpointed').length > 0, { what: 'a checkpoint by count' })
      gate.resolve()
      await context.untilDelivered(20, [member])
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'groups/seek-by-member',
    title: 'a member seeks back while it works: a new delivery epoch begins, in order, and nothing is lost',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(3), perKey: 10 })
      const member = await Member.start(context, { topics: [topic], run: { concurrency: 3 } })
      await context.untilDelivered(30, [member])
      const startedAt = now()
      await member.consumer.seek('earliest', topic.name)
      context.oracle.record({
        type: 'sought',
        group: context.group,
        topic: topic.name,
        partition: null,
        startedAt,
      })
      await eventually(() => context.oracle.of('delivered').length >= 60, {
        what: () => `60 deliveries, there are ${context.oracle.of('delivered').length}`,
        unless: () => member.throwFailure(),
      })
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(context.oracle.of('delivered').length, 60)
    },
  },
  {
    id: 'groups/seek',
    title: 'a group without members is moved by position, timestamp and to either end; live ones are refused',
    async run(context) {
      const topic = await context.topic()
      const sent = await context.producer(topic).burst({ keys: ['k'], perKey: 10 })
      const { groups: admin } = context.streams
      const partition = sent[0]!.partition
      const positions = sent.map(({ position }) => position)
      const firstGiven = async () => {
        const consumer = context.streams.consumer({ group: context.group, topics: [topic] })
        for await (const batch of consumer) if (batch.length > 0) return batch.at(0)!.value!.seq
        return 0
      }
      await admin.seekGroup(context.group, topic.name, { at: positions[4]! }, { partition })
      assert.equal(await firstGiven(), 5)
      await admin.seekGroup(context.group, topic.name, { after: positions[4]! }, { partition })
      assert.equal(await firstGiven(), 6)
      await admin.seekGroup(context.group, topic.name, { timestamp: 0 }, {})
      assert.equal(await firstGiven(), 1)
      const member = await Member.start(context, { topics: [topic] })
      await member.assigned()
      await rejectsWith('FENCED', () => admin.seekGroup(context.group, topic.name, 'earliest', {}))
      await rejectsWith('FENCED', () => admin.deleteGroup(context.group))
      await member.close()
      await admin.seekGroup(context.group, topic.name, 'latest', {})
      await admin.deleteGroup(context.group)
      assert.ok(!(await admin.listGroups()).includes(context.group))
    },
  },
  {
    id: 'groups/unknown',
    title: 'a group that does not exist is NOT_FOUND by name',
    async run(context) {
      const { groups: admin } = context.streams
      const group = context.unique('nobody')
      await rejectsWith('NOT_FOUND', () => admin.describeGroup(group), new RegExp(group))
      await rejectsWith('NOT_FOUND', () => admin.deleteGroup(group), new RegExp(group))
    },
  },
]
