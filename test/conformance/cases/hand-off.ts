import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually, patiently } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 5. */
export const handOff: readonly Case[] = [
  {
    id: 'hand-off/in-flight',
    title:
      'a revoked member drains what it has in work and checkpoints it; then the next owner begins behind it',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(10), perKey: 10 })
      const gate = Promise.withResolvers<void>()
      let waiting = 0
      const first = await Member.start(context, {
        topics: [topic],
        run: { concurrency: 10 },
        consumer: { drainTimeoutMs: 5_000 },
        async each() {
          waiting++
          await gate.promise
        },
      })
      await eventually(() => waiting > 3, { what: 'records in flight' })
      const second = await Member.start(context, { topics: [topic] })
      const revoked = () => context.oracle.of('revoked').length > 0
      await eventually(revoked, { what: 'the first member is asked to give a partition up' })
      assert.equal(context.oracle.of('assigned').length, 2, 'nobody else was assigned a partition in drain')
      gate.resolve()
      await second.assigned(1)
      await context.untilDelivered(100, [first, second])
      await Promise.all([first.close(), second.close()])
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0, 'a graceful hand-off brings nothing twice')
    },
  },
  {
    id: 'hand-off/batches-in-flight',
    title: 'the same with a batch handler',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(10), perKey: 10 })
      const first = await Member.start(context, {
        topics: [topic],
        run: { maxBatchRecords: 5 },
        batch: () => wait(10),
      })
      await eventually(() => context.oracle.deliveredTo(context.group) > 5, { what: 'work under way' })
      const second = await Member.start(context, {
        topics: [topic],
        run: { maxBatchRecords: 5 },
        batch: () => wait(1),
      })
      await second.assigned(1)
      await context.untilDelivered(100, [first, second])
      await Promise.all([first.close(), second.close()])
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0)
    },
  },
  {
    id: 'hand-off/under-load',
    title: 'members join and leave while records are produced: nothing is lost, forbidden or inverted',
    timeoutMs: 20_000,
    async run(context) {
      const topic = await context.topic({ partitions: 6 })
      const producer = context.producer(topic)
      const sending = producer.burst({ keys: keys(20), perKey: 40, gap: () => wait(12) })
      sending.catch(() => {})
      const each = () => wait(1)
      const start = () => Member.start(context, { topics: [topic], run: { concurrency: 6 }, each })
      const members = [await start()]
      await members[0]!.assigned()
      for (let turn = 0; turn < 5; turn++) {
        members.push(await start())
        await members.at(-1)!.assigned()
        if (turn % 2 === 1) await members.shift()!.close()
      }
      await sending
      await context.untilDelivered(800, members)
      await Promise.all(members.map((member) => member.close()))
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0, 'graceful hand-offs bring nothing twice')
    },
  },
  {
    id: 'hand-off/drain-timeout',
    title:
      "a drain that takes too long aborts the handler's signal; the record comes again to the next owner",
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(8), perKey: 4 })
      const never = Promise.withResolvers<void>()
      context.onEnd(() => never.resolve())
      let aborted = 0
      const first = await Member.start(context, {
        topics: [topic],
        run: { concurrency: 8 },
        consumer: { drainTimeoutMs: 300 },
        async each(_record, { signal }) {
          signal.addEventListener('abort', () => aborted++)
          await never.promise
        },
      })
      await first.assigned(2)
      // Whichever partition is taken, something of it is in work.
      const inWork = () =>
        new Set(context.oracle.of('delivered').map(({ partition }) => partition)).size === 2
      await eventually(inWork, { what: 'records of both partitions in flight' })
      const held = context.oracle.of('delivered')
      const second = await Member.start(context, { topics: [topic] })
      await second.assigned(1)
      assert.ok(aborted > 0, 'no handler was told')
      const taken = second.stats.assignments[0]!.partition
      const again = () =>
        held
          .filter((event) => event.partition === taken)
          .every((event) =>
            context.oracle
              .of('delivered')
              .some(
                (later) => later.member === second.connection.member && later.position === event.position,
              ),
          )
      await eventually(again, { what: 'what the first had in work comes again' })
      never.resolve()
      await context.untilDelivered(32, [first, second])
      await Promise.all([first.close(), second.close()])
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
  {
    id: 'hand-off/retry-answers',
    title: 'a member in the middle of a long back-off gives its partition up at once',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(8), perKey: 1 })
      const first = await Member.start(context, {
        topics: [topic],
        consumer: { drainTimeoutMs: 8_000 },
        run: { concurrency: 8, retry: { attempts: 50, backoffMs: 20_000, maxBackoffMs: 20_000 } },
        each() {
          throw new Error('not today')
        },
      })
      await first.assigned(2)
      await eventually(() => context.oracle.of('failed').length >= 8, {
        what: 'all records wait for a retry',
      })
      const started = performance.now()
      const second = await Member.start(context, { topics: [topic] })
      await second.assigned(1)
      const took = performance.now() - started
      assert.ok(took < patiently(4_000), `it took ${Math.round(took)} ms`)
      await first.close()
      await context.untilDelivered(8, [second])
      await second.assigned(2)
      await eventually(
        () =>
          new Set(
            context.oracle
              .of('delivered')
              .filter((event) => event.member === second.connection.member)
              .map((event) => event.key),
          ).size === 8,
        { what: 'the second member has all records' },
      )
      await second.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'hand-off/close-checkpoints',
    title: 'closing a consumer checkpoints what it finished: its successor sees nothing of it',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(6), perKey: 5 })
      const first = await Member.start(context, {
        topics: [topic],
        consumer: { checkpoint: { intervalMs: 60_000 } },
      })
      await context.untilDelivered(30, [first])
      await first.close()
      await producer.burst({ keys: keys(6), perKey: 5 })
      const second = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(60, [second])
      await second.close()
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0)
    },
  },
  {
    id: 'hand-off/pull-too-slow',
    title: 'a for await loop that outstays the drain finds its batch aborted and its checkpoint FENCED',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await context.producer(topic).burst({ keys: keys(8), perKey: 3 })
      const gate = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const first = await context.connect()
      const consumer = first.streams.consumer({
        group: context.group,
        topics: [topic],
        drainTimeoutMs: 300,
        sessionTimeoutMs: 600,
      })
      const moving = await partitionThatMoves(context)
      let held: { partition: string; signal: AbortSignal; checkpoint(): Promise<void> } | undefined
      const looping = (async () => {
        for await (const batch of consumer) {
          if (batch.partition !== moving) continue
          held = batch
          await gate.promise
          return
        }
      })()
      looping.catch(() => {})
      await eventually(() => held !== undefined, { what: 'a batch' })
      const others = [
        await Member.start(context, { topics: [topic] }),
        await Member.start(context, { topics: [topic] }),
      ]
      const taken = () =>
        others.some(({ stats }) => stats.assignments.some(({ partition }) => partition === held!.partition))
      await eventually(taken, { what: 'another member has the partition' })
      assert.ok(held!.signal.aborted, 'the signal of the batch is aborted')
      await rejectsWith('FENCED', () => held!.checkpoint())
      gate.resolve()
      await looping
      await context.untilDelivered(24, others)
      await Promise.all(others.map((member) => member.close()))
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
  {
    id: 'hand-off/pull',
    title: 'for await with explicit checkpoints: members take over behind the last one',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(6), perKey: 10 })
      const consumer = { fetchMaxBytes: 300 }
      const first = await Member.start(context, { topics: [topic], consumer, pull: () => wait(5) })
      await eventually(() => context.oracle.deliveredTo(context.group) > 10, { what: 'work under way' })
      const second = await Member.start(context, { topics: [topic], consumer, pull: () => wait(1) })
      await second.assigned(1)
      await context.untilDelivered(60, [first, second])
      await Promise.all([first.close(), second.close()])
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
]

/** Which of two partitions a backend takes from its owner when two more members come; it has its own way, and keeps to it. */
async function partitionThatMoves(context: CaseContext): Promise<string> {
  const topic = await context.topic({ partitions: 2, verify: false })
  const group = context.unique('group')
  const owner = await Member.start(context, { topics: [topic], group })
  await owner.assigned(2)
  const both = owner.stats.assignments
  const others = [
    await Member.start(context, { topics: [topic], group }),
    await Member.start(context, { topics: [topic], group }),
  ]
  await owner.assigned(1)
  const [kept] = owner.stats.assignments
  await Promise.all([owner, ...others].map((member) => member.close()))
  return both.find(({ partition }) => partition !== kept!.partition)!.partition
}
