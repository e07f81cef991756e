import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Driver } from '../../../src/driver.ts'
import { connect, StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { quiet } from '../connection.ts'
import { eventually, within } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 13; aborts have a file of their own. */
export const close: readonly Case[] = [
  {
    id: 'close/idempotent',
    title: 'closing twice, at once and again later, of everything, does no harm',
    async run(context) {
      const topic = await context.topic()
      const { streams } = await context.connect()
      const producer = streams.producer()
      await producer.send(topic, { producer: 'p', key: 'k', seq: 1 })
      const reader = streams.read(topic)
      const unused = streams.consumer({ group: context.group, topics: [topic] })
      const consumer = streams.consumer({ group: context.group, topics: [topic] })
      const running = consumer.run({ each() {} })
      running.catch(() => {})
      for (const opened of [producer, reader, unused, consumer, streams]) {
        await within(5_000, Promise.all([opened.close(), opened.close()]), 'two closes')
        await opened.close()
        await opened[Symbol.asyncDispose]()
      }
      await running
    },
  },
  {
    id: 'close/closed-says-so',
    title: 'what is used after its close is refused with CLOSED',
    async run(context) {
      const topic = await context.topic()
      const { streams } = await context.connect()
      const producer = streams.producer()
      const other = streams.producer()
      const load = { producer: 'p', key: 'k', seq: 1 }
      await producer.send(topic, load)
      await producer.close()
      await rejectsWith('CLOSED', () => producer.send(topic, load))
      await rejectsWith('CLOSED', () => producer.sendBatch(topic, [load]))
      const consumer = streams.consumer({ group: context.group, topics: [topic] })
      await consumer.close()
      await rejectsWith('CLOSED', () => consumer.run({ each() {} }))
      await streams.close()
      await rejectsWith('CLOSED', () => other.send(topic, load))
      await rejectsWith('CLOSED', () => streams.admin.listTopics())
      await rejectsWith('CLOSED', () => streams.producer().send(topic, load))
      await rejectsWith('CLOSED', async () => {
        for await (const _ of streams.read(topic)) break
      })
    },
  },
  {
    id: 'close/drains-the-producer',
    title: 'closing a producer, or the connection, first sends what was handed over',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      for (const what of ['producer', 'streams'] as const) {
        const { streams } = await context.connect()
        const producer = streams.producer()
        const pending = keys(100).map((key, i) => producer.send(topic, { producer: what, key, seq: i + 1 }))
        await (what === 'producer' ? producer : streams).close()
        const results = await Promise.all(pending)
        assert.equal(results.length, 100)
      }
      let found = 0
      for await (const batch of context.streams.read(topic, { until: 'now' })) found += batch.length
      assert.equal(found, 200)
    },
  },
  {
    id: 'close/rejects-by-name',
    title: 'what cannot be sent before the deadline of close is rejected with CLOSED, each send of it',
    async run(context) {
      const topic = await context.topic()
      const { streams } = await context.connect()
      const producer = streams.producer({ closeTimeoutMs: 0, maxBufferedBytes: 2_000 })
      const pad = 'x'.repeat(1_500)
      const pending = Array.from({ length: 50 }, (_, i) =>
        producer.send(topic, { producer: 'p', key: 'k', seq: i + 1, pad }).then(
          () => 'sent',
          (error) => error.code as string,
        ),
      )
      await within(4_000, producer.close(), 'close with a deadline of 0')
      const outcomes = await within(2_000, Promise.all(pending), 'every send to settle')
      assert.ok(
        outcomes.every((outcome) => outcome === 'sent' || outcome === 'CLOSED'),
        `they ended with ${[...new Set(outcomes)].join(', ')}`,
      )
      const found: number[] = []
      for await (const batch of context.streams.read(topic, { until: 'now' })) {
        found.push(...[...batch].map((record) => record.value!.seq))
      }
      const sent = outcomes.flatMap((outcome, i) => (outcome === 'sent' ? [i + 1] : []))
      for (const seq of sent) assert.ok(found.includes(seq), `${seq} was acknowledged and is not there`)
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, i) => i + 1),
        'no hole before what was sent',
      )
    },
  },
  {
    id: 'close/rejects-what-hangs',
    title: 'sends that a backend never answers are rejected with CLOSED at the deadline of close',
    async run(context) {
      const topic = await context.topic()
      const inner = await context.backend.openDriver()
      context.onEnd(() => inner.close())
      const { name, address, capabilities, admin, groups } = inner
      const silent: Driver = {
        ...{ name, address, capabilities, admin, groups },
        classify: (error) => inner.classify(error),
        comparePositions: (a, b) => inner.comparePositions(a, b),
        openReader: (options) => inner.openReader(options),
        joinGroup: (options, events) => inner.joinGroup(options, events),
        close: () => inner.close(),
        openProducer: async () => {
          const over = Promise.withResolvers<never>()
          over.promise.catch(() => {})
          return {
            send: () => over.promise,
            flush: () => over.promise,
            close: async (deadlineMs) => {
              await wait(deadlineMs)
              over.reject(new StreamError('CLOSED', 'closed before the backend answered: send again'))
            },
          }
        },
      }
      const streams = await connect(silent, { logger: quiet })
      const producer = streams.producer({ closeTimeoutMs: 100 })
      const pending = Array.from({ length: 5 }, (_, i) =>
        producer.send(topic, { producer: 'p', key: 'k', seq: i + 1 }),
      )
      const refusals = pending.map((sending) => rejectsWith('CLOSED', () => sending))
      await within(3_000, producer.close(), 'close of a producer whose backend is silent')
      await within(1_000, Promise.all(refusals), 'every send to settle')
      await within(3_000, streams.close(), 'close of the connection')
    },
  },
  {
    id: 'close/blocked-consumer',
    title: 'a consumer closes while its handler is blocked: it waits for drainTimeoutMs, then aborts',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 3 })
      const never = Promise.withResolvers<void>()
      context.onEnd(() => never.resolve())
      let aborted = false
      const member = await Member.start(context, {
        topics: [topic],
        consumer: { drainTimeoutMs: 300 },
        async each(_record, { signal }) {
          signal.addEventListener('abort', () => {
            aborted = true
          })
          await never.promise
        },
      })
      await eventually(() => context.oracle.deliveredTo(context.group) > 0, { what: 'a record in work' })
      await within(4_000, member.consumer.close(), 'close')
      assert.ok(aborted, 'the handler was not told')
      await within(1_000, member.running, 'run to end')
      const next = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(3, [next])
      await next.close()
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
  {
    id: 'close/while-retrying',
    title: 'a consumer in the middle of a long back-off closes at once; the record comes again',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 2 })
      for (const how of ['each', 'batch'] as const) {
        const failing = () => {
          throw new Error('not today')
        }
        const member = await Member.start(context, {
          topics: [topic],
          consumer: { drainTimeoutMs: 8_000 },
          run: { retry: { attempts: 9, backoffMs: 30_000 } },
          [how]: failing,
        })
        const before = context.oracle.of('failed').length
        await eventually(() => context.oracle.of('failed').length > before, { what: 'a first attempt' })
        await within(2_000, member.close(), `close of a ${how} that waits`)
      }
      const last = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(2, [last])
      await last.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'close/drains-the-consumer',
    title: 'a consumer that is closed finishes what its handlers have in work, and nothing of it comes again',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(8), perKey: 3 })
      const gate = Promise.withResolvers<void>()
      let finished = 0
      const first = await Member.start(context, {
        topics: [topic],
        run: { concurrency: 4 },
        async each() {
          await gate.promise
          finished++
        },
      })
      await eventually(() => context.oracle.deliveredTo(context.group) >= 4, { what: 'four records in work' })
      const closing = first.close()
      gate.resolve()
      await closing
      const taken = context.oracle.deliveredTo(context.group)
      assert.equal(finished, taken)
      const second = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(24, [second])
      await second.close()
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0)
    },
  },
  {
    id: 'close/inside-the-handler',
    title: 'a handler may ask its consumer to close without waiting for itself',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 5 })
      const consumer = context.streams.consumer({
        group: context.group,
        topics: [topic],
        drainTimeoutMs: 5_000,
      })
      let handled = 0
      const running = consumer.run({
        each() {
          handled++
          consumer.close().catch(() => {})
        },
      })
      await within(4_000, running, 'run to end')
      assert.ok(handled >= 1)
    },
  },
  {
    id: 'close/waiting-loops-end',
    title: 'loops that wait for records end when the connection closes',
    async run(context) {
      const topic = await context.topic()
      const { streams } = await context.connect()
      const loops = [streams.read(topic), streams.consumer({ group: context.group, topics: [topic] })].map(
        async (source) => {
          for await (const _ of source);
        },
      )
      const ends = Promise.allSettled(loops)
      const joined = () => context.oracle.of('assigned').length > 0
      await eventually(joined, { what: 'the consumer is a member' })
      await within(4_000, streams.close(), 'close of the connection')
      for (const end of await within(2_000, ends, 'the loops to end')) {
        if (end.status === 'rejected') assert.equal(end.reason?.code, 'CLOSED')
      }
    },
  },
  {
    id: 'close/process-exits',
    title: 'a process that closed what it opened ends by itself: no timer, socket or file is left',
    async run(context) {
      const child = context.child({ role: 'leave', topic: context.unique('left'), group: context.group })
      await child.says('done')
      await within(4_000, child.end(), 'the process to exit after its close')
      assert.equal(child.exitCode, 0, child.stderr)
    },
  },
]
