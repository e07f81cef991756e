import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 7. */
export const slow: readonly Case[] = [
  {
    id: 'slow/keeps-its-partition',
    title:
      'a handler that takes several session times keeps its partition, though another member waits for it',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 3 })
      const consumer = { sessionTimeoutMs: 250 }
      const slow = await Member.start(context, { topics: [topic], consumer, each: () => wait(900) })
      await eventually(() => context.oracle.deliveredTo(context.group) > 0, { what: 'a record in work' })
      // With as many members as partitions a second one for the same partition may only take it when the first is dead.
      const other = await Member.start(context, { topics: [topic], consumer, each: () => wait(900) })
      await context.untilDelivered(3, [slow, other])
      await Promise.all([slow.close(), other.close()])
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0)
      assert.equal(context.oracle.of('lost').length, 0)
    },
  },
  {
    id: 'slow/hung-loses-it',
    title:
      'a handler that exceeds maxProcessingMs is aborted and loses its partition; another member is given the record',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 3 })
      const hang = Promise.withResolvers<void>()
      context.onEnd(() => hang.resolve())
      let aborted = false
      const hung = await Member.start(context, {
        topics: [topic],
        run: { maxProcessingMs: 300 },
        async each(_record, { signal }) {
          signal.addEventListener('abort', () => {
            aborted = true
          })
          await hang.promise
        },
      })
      await eventually(() => context.oracle.deliveredTo(context.group) > 0, { what: 'a record in work' })
      const began = performance.now()
      const other = await Member.start(context, { topics: [topic] })
      await other.assigned(1)
      const took = performance.now() - began
      assert.ok(took > 250, `it lost the partition after ${Math.round(took)} of 300 ms`)
      assert.ok(aborted, 'the signal of the hung handler was not aborted')
      await context.untilDelivered(3, [other])
      hang.resolve()
      await Promise.all([hung.consumer.close(), other.close()])
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
      const lastOf = context.oracle.of('delivered').filter((event) => event.member === hung.connection.member)
      assert.equal(lastOf.length, 1, 'the hung member was given nothing more of what it had buffered')
    },
  },
  {
    id: 'slow/hung-batch-loses-it',
    title: 'the same with a batch handler',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(3), perKey: 3 })
      const hang = Promise.withResolvers<void>()
      context.onEnd(() => hang.resolve())
      const hung = await Member.start(context, {
        topics: [topic],
        run: { maxProcessingMs: 300 },
        batch: async () => {
          await hang.promise
        },
      })
      await eventually(() => context.oracle.deliveredTo(context.group) > 0, { what: 'a batch in work' })
      const other = await Member.start(context, { topics: [topic] })
      await other.assigned(1)
      await context.untilDelivered(9, [other])
      await other.close()
      hang.resolve()
      await hung.consumer.close()
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
  {
    id: 'slow/hung-comes-back',
    title: 'when the hung handler has ended after all, its member may have the partition again, and goes on',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 3 })
      const hang = Promise.withResolvers<void>()
      context.onEnd(() => hang.resolve())
      let calls = 0
      const member = await Member.start(context, {
        topics: [topic],
        run: { maxProcessingMs: 200 },
        each: () => (++calls === 1 ? hang.promise : undefined),
      })
      const lost = () => context.oracle.of('lost').length > 0
      await eventually(lost, { what: 'it loses its partition' })
      hang.resolve()
      await context.untilDelivered(3, [member])
      await member.close()
      assert.equal(calls, 4, 'the first record again, then the others')
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
  {
    id: 'slow/back-off-is-not-counted',
    title: 'maxProcessingMs is for one attempt: many attempts with back-off between keep the partition',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 2 })
      const member = await Member.start(context, {
        topics: [topic],
        run: { maxProcessingMs: 400, retry: { attempts: 6, backoffMs: 200, maxBackoffMs: 200 } },
        async each(_record, { attempt }) {
          await wait(100)
          if (attempt < 6) throw new Error('not yet')
        },
      })
      await context.untilDelivered(2, [member])
      await eventually(() => member.stats.processed === 2, { what: 'both are done' })
      await member.close()
      assert.equal(context.oracle.of('lost').length, 0)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
]
