import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 6. Children are killed at points that the moment of the first reports and chance decide. */
export const crash: readonly Case[] = [
  {
    id: 'crash/consumer',
    title:
      'after kill -9 of a member the others are given all of it, again only what lay behind the last checkpoint',
    needs: ['multiProcess', 'durable'],
    timeoutMs: 25_000,
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      await context.producer(topic).burst({ keys: keys(12), perKey: 20 })
      const { group } = context
      const child = context.child({ role: 'consume', topic: topic.name, group, handleMs: 2, concurrency: 3 })
      const some = 40 + Math.floor(Math.random() * 60)
      await child.says('ready')
      const atWork = () =>
        context.oracle.deliveredTo(group) >= some && context.oracle.of('checkpointed').length > 0
      await eventually(atWork, { what: `${some} records at the child, and a checkpoint` })
      await child.kill()
      const heir = await Member.start(context, { topics: [topic], run: { concurrency: 3 } })
      await context.untilDelivered(240, [heir])
      await heir.close()
      await context.judge({ complete: [{ group, topic: topic.name }], forced: true })
    },
  },
  {
    id: 'crash/producer',
    title: 'after kill -9 of a producer all that it was acknowledged stands at its position',
    needs: ['multiProcess', 'durable'],
    timeoutMs: 25_000,
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      const some = 100 + Math.floor(Math.random() * 300)
      const children = [false, true].map((batched, i) =>
        context.child({
          role: 'produce',
          topic: topic.name,
          producer: `c${i}`,
          keys: keys(9),
          rounds: 100_000,
          batched,
        }),
      )
      await Promise.all(children.map((child) => child.says('ready')))
      await eventually(() => context.oracle.of('acknowledged').length >= some, {
        what: `${some} acknowledgements of the children`,
        unless: () => {
          for (const child of children) if (child.exitCode !== undefined) throw new Error(child.stderr)
        },
      })
      await Promise.all(children.map((child) => child.kill()))
      const { violations } = await context.judge()
      assert.deepEqual(violations, [])
    },
  },
  {
    id: 'crash/random-points',
    title: 'members and producers killed at random points, one after another, lose nothing together',
    needs: ['multiProcess', 'durable'],
    timeoutMs: 40_000,
    async run(context) {
      const topic = await context.topic({ partitions: 4 })
      const { group, oracle } = context
      const consume = () =>
        context.child({
          role: 'consume',
          topic: topic.name,
          group,
          handleMs: 1,
          concurrency: 4,
          sessionTimeoutMs: 400,
        })
      let members = [consume(), consume()]
      for (let turn = 0; turn < 3; turn++) {
        const producer = context.child({
          role: 'produce',
          topic: topic.name,
          producer: `turn${turn}`,
          keys: keys(8),
          rounds: 10_000,
          gapMs: 4,
          batched: turn % 2 === 1,
        })
        // What is waited for next is deliveries, not processes that a busy machine takes long to start.
        await Promise.all([producer, ...members].map((child) => child.says('ready')))
        const deliveries = oracle.deliveredTo(group) + 60 + Math.floor(Math.random() * 120)
        await eventually(() => oracle.deliveredTo(group) >= deliveries, { what: `${deliveries} deliveries` })
        const [victim, ...others] = members
        // Sometimes the producer dies first, sometimes the member.
        const kills = [() => producer.kill(), () => victim!.kill()]
        for (const kill of Math.random() < 0.5 ? kills : kills.reverse()) await kill()
        members = [...others, consume()]
      }
      const acknowledged = new Set(
        oracle.of('acknowledged').map((event) => `${event.producer}/${event.key}/${event.seq}`),
      )
      const missing = () => {
        for (const event of oracle.of('delivered'))
          acknowledged.delete(`${event.producer}/${event.key}/${event.seq}`)
        return acknowledged.size
      }
      await eventually(() => missing() === 0, {
        withinMs: 15_000,
        what: 'all acknowledged records delivered',
      }).catch(() => {})
      await Promise.all(members.map((member) => member.finish()))
      await context.judge({ complete: [{ group, topic: topic.name }], forced: true })
    },
  },
  {
    id: 'crash/server',
    title:
      'when the process that serves the others is killed, they go on: nothing acknowledged or checkpointed is lost',
    needs: ['multiProcess', 'durable'],
    timeoutMs: 25_000,
    async run(context) {
      const loseServer = context.fault('loseServer')
      const topic = await context.topic({ partitions: 4 })
      const { group, oracle } = context
      const producers = [context.producer(topic), context.producer(topic, (await context.connect()).streams)]
      const consumer = { sessionTimeoutMs: 3_000 }
      const run = { concurrency: 4 }
      const members = [await Member.start(context, { topics: [topic], consumer, run })]
      const child = context.child({ role: 'consume', topic: topic.name, group, sessionTimeoutMs: 3_000 })
      await child.says('ready')
      const sending = Promise.all(
        producers.map((producer) => producer.burst({ keys: keys(10), perKey: 60, gap: () => wait(4) })),
      )
      sending.catch(() => {})
      await eventually(() => oracle.deliveredTo(group) >= 100, { what: 'work under way' })
      await loseServer()
      await sending
      await context.untilDelivered(1_200, members)
      await child.finish()
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: [{ group, topic: topic.name }], forced: true, zombies: true })
    },
  },
  {
    id: 'crash/dropped-member',
    title: 'a connection that dies without a farewell gives its partitions up when its session is over',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const die = context.fault('crash')
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(6), perKey: 10 })
      const first = await Member.start(context, {
        topics: [topic],
        consumer: { sessionTimeoutMs: 300, fetchMaxBytes: 300 },
        each: () => new Promise((done) => setTimeout(done, 3)),
      })
      await eventually(() => context.oracle.of('checkpointed').length > 2, { what: 'checkpoints' })
      const second = await Member.start(context, { topics: [topic], consumer: { sessionTimeoutMs: 300 } })
      await second.assigned(1)
      await die(first.connection.inner)
      await second.assigned(2)
      await context.untilDelivered(60, [second])
      await second.close()
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        forced: true,
        zombies: true,
      })
    },
  },
]
