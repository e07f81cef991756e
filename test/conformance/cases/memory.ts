import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 10. */
export const memory: readonly Case[] = [
  {
    id: 'memory/bounded-records',
    title: 'under a slow handler no more records are held than maxBufferedRecords and what one fetch brings',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      for (let i = 0; i < 20; i++)
        await producer.sendBatch(
          Array(50)
            .fill('k')
            .map((k, j) => `${k}${j % 10}`),
        )
      let highest = 0
      const member: Member = await Member.start(context, {
        topics: [topic],
        consumer: { maxBufferedRecords: 100, fetchMaxBytes: 2_000 },
        run: { concurrency: 4 },
        async each() {
          highest = Math.max(highest, member?.stats.bufferedRecords ?? 0)
          await wait(0)
        },
      })
      await context.untilDelivered(1_000, [member])
      await eventually(() => member.stats.bufferedRecords === 0, { what: 'nothing is held at the end' })
      assert.equal(member.stats.bufferedBytes, 0)
      await member.close()
      assert.ok(highest > 0, 'nothing was ever held')
      // A fetch of 2,000 bytes brings some 30 records; a backend may give one batch of 50 as it was sent, a partition.
      assert.ok(highest <= 100 + 2 * 100, `${highest} records were held`)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'memory/bounded-bytes',
    title: 'a handler that stands still holds about maxBufferedBytes, fetching pauses and ownership stays',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const pad = 'x'.repeat(2_000)
      for (let i = 0; i < 20; i++) await producer.sendBatch(keys(20), pad)
      const gate = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const member = await Member.start(context, {
        topics: [topic],
        consumer: { sessionTimeoutMs: 250, maxBufferedBytes: 100_000, fetchMaxBytes: 20_000 },
        each: () => gate.promise,
      })
      await eventually(() => member.stats.bufferedBytes > 50_000, { what: 'the buffer fills' })
      // Several session times, in which fetching would go on if nothing stopped it.
      for (let i = 0; i < 12; i++) {
        await wait(60)
        const { bufferedBytes } = member.stats
        assert.ok(bufferedBytes <= 100_000 + 2 * 60_000, `${bufferedBytes} bytes are held`)
      }
      assert.equal(member.owned, 2)
      gate.resolve()
      await context.untilDelivered(400, [member])
      await member.close()
      assert.equal(context.oracle.of('lost').length, 0)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'memory/pause-and-resume',
    title: 'a paused member fetches nothing more, keeps its partitions, and goes on where it was',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const member = await Member.start(context, { topics: [topic], consumer: { sessionTimeoutMs: 250 } })
      await member.assigned(2)
      await producer.burst({ keys: keys(6), perKey: 5 })
      await context.untilDelivered(30, [member])
      member.consumer.pause()
      await producer.burst({ keys: keys(6), perKey: 5 })
      // One fetch a partition was waiting when pause came, and what it brings is taken, however long it waits; nothing after it is.
      const used = partitionsOf(context, 1)
      await eventually(() => partitionsOf(context, 6) === used, { what: 'the waiting fetches end' })
      await wait(200)
      const taken = context.oracle.deliveredTo(context.group)
      await producer.burst({ keys: keys(6), perKey: 5 })
      await wait(500)
      assert.equal(context.oracle.deliveredTo(context.group), taken)
      assert.equal(member.owned, 2)
      member.consumer.resume()
      await context.untilDelivered(90, [member])
      await member.close()
      assert.equal(context.oracle.of('lost').length, 0)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'memory/producer-back-pressure',
    title: 'send waits while maxBufferedBytes are unacknowledged',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await using producer = context.streams.producer({ maxBufferedBytes: 20_000 })
      const pad = 'x'.repeat(1_000)
      // Where asking about the topic takes its time, sends wait for that and count for nothing yet.
      await producer.send(topic, { producer: 'p', key: 'first', seq: 1, pad })
      let highest = 0
      const pending: Promise<unknown>[] = []
      for (let seq = 1; seq <= 200; seq++) {
        pending.push(producer.send(topic, { producer: 'p', key: 'k', seq, pad }))
        highest = Math.max(highest, producer.bufferedBytes)
        if (seq % 20 === 0) await wait(0)
      }
      await Promise.all(pending)
      assert.equal(producer.bufferedBytes, 0)
      assert.ok(highest > 0 && highest <= 22_000, `${highest} bytes were unacknowledged`)
      await context.judge()
    },
  },
]

/** In how many partitions something from this number of its key on was delivered. */
function partitionsOf({ oracle }: CaseContext, from: number): number {
  return new Set(
    oracle
      .of('delivered')
      .filter(({ seq }) => seq >= from)
      .map(({ partition }) => partition),
  ).size
}
