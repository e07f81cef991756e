import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { topic as describeTopic } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { keys, type Load, loadTopic } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll } from '../workload/read-back.ts'

/** Promise 1. */
export const order: readonly Case[] = [
  {
    id: 'order/concurrent-sends',
    title: 'sends of one key that are not awaited stand in the order of the calls',
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      await context.producer(topic).burst({ keys: keys(12), perKey: 25 })
      const member = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(300, [member])
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'order/many-producers',
    title: 'producers of several connections that interleave on the same keys each keep their order',
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      const connections = await Promise.all([context.connect(), context.connect(), context.connect()])
      const producers = connections.flatMap(({ streams }) => [
        context.producer(topic, streams),
        context.producer(topic, streams),
      ])
      const member = await Member.start(context, { topics: [topic], run: { concurrency: 8 } })
      await Promise.all(
        producers.map((producer) => producer.burst({ keys: keys(5), perKey: 15, gap: () => wait(0) })),
      )
      await context.untilDelivered(450, [member])
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'order/sends-and-batches',
    title: 'single sends and batches of one producer keep the order of the calls among each other',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const some = keys(4)
      const pending: Promise<unknown>[] = []
      for (let round = 0; round < 30; round++) {
        pending.push(
          round % 3 === 0 ? producer.sendBatch([...some, ...some]) : producer.send(some[round % 4]!),
        )
      }
      await Promise.all(pending)
      const records = await readAll(context.streams, topic)
      assert.equal(records.length, 10 * 8 + 20)
      await context.judge()
    },
  },
  {
    id: 'order/one-key-one-partition',
    title: 'a key keeps its partition from every producer, and many keys spread over the partitions',
    async run(context) {
      const topic = await context.topic({ partitions: 4 })
      const second = await context.connect()
      const placed = new Map<string, Set<string>>()
      for (const producer of [context.producer(topic), context.producer(topic, second.streams)]) {
        const results = await producer.sendBatch(keys(60))
        results.forEach(({ partition }, i) => {
          placed.set(`k${i}`, (placed.get(`k${i}`) ?? new Set()).add(partition))
        })
      }
      for (const [key, partitions] of placed)
        assert.equal(partitions.size, 1, `${key} is in ${[...partitions]}`)
      assert.ok(
        new Set([...placed.values()].flatMap((set) => [...set])).size > 1,
        'all keys are in one partition',
      )
    },
  },
  {
    id: 'order/lanes',
    title: 'with 16 lanes and handlers of uneven length the records of each key stay in order, one at a time',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(20), perKey: 12 })
      const busy = new Set<string>()
      let together = 0
      const member = await Member.start(context, {
        topics: [topic],
        run: { concurrency: 16 },
        async each(record) {
          assert.ok(!busy.has(record.key!), `two records of ${record.key} at once`)
          busy.add(record.key!)
          together = Math.max(together, busy.size)
          await wait(record.value!.seq % 4)
          busy.delete(record.key!)
        },
      })
      await context.untilDelivered(240, [member])
      await member.close()
      assert.ok(together > 1 && together <= 16, `${together} keys were in work at once`)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'order/retries',
    title: 'a record that is tried again is not overtaken by later ones of its key',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(6), perKey: 15 })
      const done = new Map<string, number[]>()
      const member = await Member.start(context, {
        topics: [topic],
        run: { concurrency: 8, retry: { attempts: 4, backoffMs: 3 } },
        each(record, { attempt }) {
          const { key, seq } = record.value!
          if (seq % 5 === 0 && attempt < 3) throw new Error('not yet')
          done.set(key, [...(done.get(key) ?? []), seq])
        },
      })
      const all = () => [...done.values()].reduce((sum, found) => sum + found.length, 0) === 90
      await eventually(all, { what: '90 records done', unless: () => member.throwFailure() })
      await member.close()
      for (const [key, found] of done) {
        assert.deepEqual(
          found,
          Array.from({ length: 15 }, (_, i) => i + 1),
          `${key} was done in order`,
        )
      }
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'order/async-schema',
    title: 'a schema that takes uneven time reorders nothing, for readers, handlers and loops',
    async run(context) {
      const { name } = await context.topic({ partitions: 2 })
      const producer = context.producer(loadTopic(name))
      await producer.burst({ keys: keys(5), perKey: 10 })
      const validated = describeTopic(name, { value: uneven })
      const perKey = (loads: readonly Load[]) => {
        for (const [key, own] of Map.groupBy(loads, (load) => load.key)) {
          assert.deepEqual(
            own.map(({ seq }) => seq),
            Array.from({ length: 10 }, (_, i) => i + 1),
            key,
          )
        }
        assert.equal(loads.length, 50)
      }
      perKey((await readAll(context.streams, validated)).map((record) => record.value!))
      const each: Load[] = []
      const consumer = context.streams.consumer({ group: context.group, topics: [validated] })
      const running = consumer.run({ concurrency: 4, each: (record) => void each.push(record.value!) })
      running.catch(() => {})
      await eventually(() => each.length === 50, { what: '50 records handled' })
      await consumer.close()
      await running
      perKey(each)
      const pulled: Load[] = []
      for await (const batch of context.streams.consumer({
        group: context.unique('g'),
        topics: [validated],
      })) {
        pulled.push(...[...batch].map((record) => record.value!))
        if (pulled.length === 50) break
      }
      perKey(pulled)
    },
  },
  {
    id: 'order/partition-named',
    title: 'a record sent to a partition by name stands there, whatever its key',
    async run(context) {
      const topic = await context.topic({ partitions: 3, verify: false })
      const { partitions } = await context.streams.admin.describeTopic(topic.name)
      await using producer = context.streams.producer()
      for (const { id } of partitions) {
        const sent = await producer.send(topic, { producer: 'p', key: 'same', seq: 1 }, { partition: id })
        assert.equal(sent.partition, id)
        const [found] = await readAll(context.streams, topic, { partitions: [id] })
        assert.deepEqual([found?.partition, found?.position], [id, sent.position])
      }
    },
  },
]

/** A Standard Schema whose later values are often ready before earlier ones. */
const uneven = {
  '~standard': {
    version: 1 as const,
    vendor: 'millrace-conformance',
    validate: async (value: unknown) => {
      await wait((value as Load).seq % 3)
      return { value: value as Load }
    },
    types: undefined as unknown as { readonly input: Load; readonly output: Load },
  },
}
