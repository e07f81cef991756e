import assert from 'node:assert/strict'
import type { Case } from '../case.ts'
import { keys } from '../workload/load.ts'
import { readAll } from '../workload/read-back.ts'

/** Promise 2. */
export const durability: readonly Case[] = [
  {
    id: 'durability/position',
    title: 'each acknowledged record stands at the position returned, and positions rise',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const sent = await producer.burst({ keys: keys(4), perKey: 10 })
      sent.push(...(await producer.sendBatch(keys(8))))
      for (const [i, { partition, position }] of sent.entries()) {
        if (i % 7 !== 0) continue
        const [found] = await readAll(context.streams, topic, {
          from: { at: position },
          partitions: [partition],
        })
        assert.equal(found?.position, position)
      }
      for (const [, results] of Map.groupBy(sent, (result) => result.partition)) {
        for (const [i, result] of results.slice(1).entries()) {
          const before = results[i]!.position
          assert.ok(
            context.streams.comparePositions(before, result.position) < 0,
            `${before} < ${result.position}`,
          )
        }
      }
      await context.judge()
    },
  },
  {
    id: 'durability/visible-at-once',
    title: 'what was acknowledged is found by a reader that another connection opens right then',
    async run(context) {
      const topic = await context.topic()
      const other = await context.connect()
      const producer = context.producer(topic)
      for (let i = 1; i <= 10; i++) {
        await producer.send('k')
        assert.equal((await readAll(other.streams, topic)).length, i)
      }
    },
  },
  {
    id: 'durability/reopened',
    title: 'records and checkpoints are there after everything was closed and opened again',
    needs: ['durable'],
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const first = await context.connect()
      await context.producer(topic, first.streams).burst({ keys: keys(5), perKey: 10 })
      const consumer = first.streams.consumer({ group: context.group, topics: [topic] })
      let taken = 0
      for await (const batch of consumer) {
        await batch.checkpoint()
        taken += batch.length
        if (taken === 50) break
      }
      await first.streams.close()
      const second = await context.connect()
      assert.equal((await readAll(second.streams, topic)).length, 50)
      const group = await second.streams.groups.describeGroup(context.group)
      for (const { lag } of group.partitions) assert.equal(lag.records ?? lag.millis ?? 0, 0)
      await context.judge()
    },
  },
]
