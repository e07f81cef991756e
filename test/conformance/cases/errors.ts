import assert from 'node:assert/strict'
import { StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll } from '../workload/read-back.ts'

/** Promise 14: what any backend can be asked wrongly. Wrong ports and credentials are for each adapter's own tests. */
export const errors: readonly Case[] = [
  {
    id: 'errors/missing-topic',
    title:
      'a topic that does not exist is NOT_FOUND by name, to producers, readers, consumers and administration',
    async run(context) {
      const { streams } = context
      const name = context.unique('nowhere')
      const named = new RegExp(name)
      await using producer = streams.producer()
      await rejectsWith('NOT_FOUND', () => producer.send(name, Buffer.from('v')), named)
      await rejectsWith('NOT_FOUND', () => producer.sendBatch(name, [Buffer.from('v')]), named)
      await rejectsWith('NOT_FOUND', () => readAll(streams, name), named)
      await rejectsWith('NOT_FOUND', () => streams.admin.describeTopic(name), named)
      await rejectsWith('NOT_FOUND', () => streams.admin.deleteTopic(name), named)
      await rejectsWith(
        'NOT_FOUND',
        () => streams.groups.seekGroup(context.group, name, 'earliest', {}),
        named,
      )
      const consumer = streams.consumer({ group: context.group, topics: [name] })
      await rejectsWith('NOT_FOUND', () => consumer.run({ each() {} }), named)
      await consumer.close()
      const pulled = streams.consumer({ group: context.group, topics: [name] })
      const pull = async () => {
        for await (const _ of pulled) break
      }
      await rejectsWith('NOT_FOUND', pull, named)
      assert.ok(!(await streams.admin.listTopics()).includes(name), 'asking made it')
    },
  },
  {
    id: 'errors/topics',
    title: 'topics: existing ones are refused, bad names too, listing is sorted, deleted ones are gone',
    async run(context) {
      const { admin } = context.streams
      const topic = await context.topic({ partitions: 2, verify: false })
      await rejectsWith(
        'ALREADY_EXISTS',
        () => admin.createTopic({ name: topic.name }),
        new RegExp(topic.name),
      )
      for (const name of ['', 'a b', 'a/b', 'x'.repeat(250), '..']) {
        await rejectsWith('INVALID_ARGUMENT', () => admin.createTopic({ name }), undefined, `topic "${name}"`)
      }
      await rejectsWith('INVALID_ARGUMENT', () =>
        admin.createTopic({ name: context.unique('t'), partitions: 0 }),
      )
      const unknown = { name: context.unique('t'), settings: { 'no.such.setting': '1' } }
      await rejectsWith('INVALID_ARGUMENT', () => admin.createTopic(unknown), /no\.such\.setting/)
      const names = await admin.listTopics()
      assert.ok(names.includes(topic.name))
      assert.deepEqual(names, names.toSorted())
      const described = await admin.describeTopic(topic.name)
      assert.equal(described.partitions.length, 2)
      await admin.deleteTopic(topic.name)
      assert.ok(!(await admin.listTopics()).includes(topic.name))
      await rejectsWith('NOT_FOUND', () => admin.describeTopic(topic.name))
    },
  },
  {
    id: 'errors/topic-deleted-under-work',
    title: 'a topic that is deleted ends the run of its consumer and the loop of its reader with NOT_FOUND',
    async run(context) {
      const topic = await context.topic({ partitions: 2, verify: false })
      await context.producer(topic).send('k')
      const member = await Member.start(context, { topics: [topic] })
      const reader = context.streams.read(topic)
      let ended: unknown
      const reading = (async () => {
        for await (const _ of reader);
      })().then(
        () => (ended = 'as if all were well'),
        (error) => (ended = error),
      )
      await context.untilDelivered(1, [member])
      await context.streams.admin.deleteTopic(topic.name)
      await eventually(() => member.ended && ended !== undefined, { what: 'both end' })
      await reading
      for (const failure of [member.failure, ended]) {
        assert.ok(failure instanceof StreamError, `ended with ${failure}`)
        assert.equal(failure.code, 'NOT_FOUND', failure.message)
      }
    },
  },
  {
    id: 'errors/bad-position',
    title: 'a malformed position is INVALID_ARGUMENT to readers, seeks and comparison',
    async run(context) {
      const { streams } = context
      const topic = await context.topic()
      const { partition } = await context.producer(topic).send('k')
      for (const at of ['', 'not a position', '-1', '1.5']) {
        await rejectsWith('INVALID_ARGUMENT', () =>
          readAll(streams, topic, { from: { at }, partitions: [partition] }),
        )
        await rejectsWith('INVALID_ARGUMENT', () =>
          readAll(streams, topic, { until: { after: at }, partitions: [partition] }),
        )
        await rejectsWith('INVALID_ARGUMENT', () =>
          streams.groups.seekGroup(context.group, topic.name, { at }, { partition }),
        )
        await rejectsWith('INVALID_ARGUMENT', async () => streams.comparePositions(at, at))
      }
    },
  },
  {
    id: 'errors/beyond-the-end',
    title: 'a position beyond the end is refused with INVALID_ARGUMENT, never waited for',
    async run(context) {
      const { streams } = context
      const topic = await context.topic({ verify: false })
      const long = await context.topic({ verify: false })
      const { partition } = await context.producer(topic).send('k')
      const results = await context.producer(long).sendBatch(keys(200))
      const { position } = results.at(-1)!
      for (const from of [{ at: position }, { after: position }]) {
        const read = () => readAll(streams, topic, { from, partitions: [partition] })
        await rejectsWith('INVALID_ARGUMENT', read)
        const follow = async () => {
          for await (const _ of streams.read(topic, { from, partitions: [partition] })) break
        }
        await rejectsWith('INVALID_ARGUMENT', follow)
      }
      await rejectsWith('INVALID_ARGUMENT', () =>
        streams.groups.seekGroup(context.group, topic.name, { at: position }, { partition }),
      )
    },
  },
  {
    id: 'errors/unknown-partition',
    title: 'a partition that does not exist is NOT_FOUND by name, or INVALID_ARGUMENT where it cannot be one',
    async run(context) {
      const { streams } = context
      const topic = await context.topic()
      const codes = ['NOT_FOUND', 'INVALID_ARGUMENT'] as const
      const partition = '987654'
      await using producer = streams.producer()
      const load = { producer: 'p', key: 'k', seq: 1 }
      await rejectsWith(codes, () => producer.send(topic, load, { partition }), /987654/)
      await rejectsWith(codes, () => readAll(streams, topic, { partitions: [partition] }), /987654/)
      await rejectsWith(
        codes,
        () => streams.groups.seekGroup(context.group, topic.name, 'earliest', { partition }),
        /987654/,
      )
    },
  },
  {
    id: 'errors/position-without-partition',
    title: 'at and after belong to one partition: with several they are refused',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const { position } = await context.producer(topic).send('k')
      await rejectsWith(
        'INVALID_ARGUMENT',
        () => readAll(context.streams, topic, { from: { at: position } }),
        /partition/,
      )
    },
  },
  {
    id: 'errors/wrong-options',
    title: 'options that make no sense are refused at once with INVALID_ARGUMENT',
    async run(context) {
      const { streams } = context
      const topic = await context.topic()
      const topics = [topic]
      await rejectsWith('INVALID_ARGUMENT', () => streams.consumer({ group: '', topics }).run({ each() {} }))
      await rejectsWith('INVALID_ARGUMENT', () =>
        streams.consumer({ group: context.group, topics: [] }).run({ each() {} }),
      )
      await rejectsWith('INVALID_ARGUMENT', () => streams.consumer({ group: context.group, topics }).run({}))
      await rejectsWith('INVALID_ARGUMENT', () =>
        streams.consumer({ group: context.group, topics }).run({ each() {}, batch() {} }),
      )
      await rejectsWith('INVALID_ARGUMENT', () =>
        streams.consumer({ group: context.group, topics }).run({ each() {}, concurrency: 0 }),
      )
    },
  },
]
