import assert from 'node:assert/strict'
import type { StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { Member } from '../workload/member.ts'
import { readAll, seqs } from '../workload/read-back.ts'

/** Promise 11. */
export const expired: readonly Case[] = [
  {
    id: 'expired/reader',
    title:
      'a reader at a position that retention has dropped is told POSITION_EXPIRED, and earliest still works',
    async run(context) {
      const expire = context.fault('expire')
      const topic = await context.topic({ ...context.backend.faults?.expiring, verify: false })
      const producer = context.producer(topic)
      const [first] = await producer.burst({ keys: ['k'], perKey: 5, timestamp: anHourAgo() })
      await expire(topic.name)
      await producer.burst({ keys: ['k'], perKey: 3 })
      const { partition, position } = first!
      for (const from of [{ at: position }, { after: position }]) {
        const read = () => readAll(context.streams, topic, { from, partitions: [partition] })
        const error = await rejectsWith('POSITION_EXPIRED', read)
        assert.equal(error.topic, topic.name)
        assert.equal(error.partition, partition)
      }
      assert.deepEqual(seqs(await readAll(context.streams, topic)).slice(-3), [6, 7, 8])
    },
  },
  {
    id: 'expired/group',
    title: 'a group whose checkpoint has left retention fails with POSITION_EXPIRED; a seek heals it',
    async run(context) {
      const expire = context.fault('expire')
      const topic = await context.topic({ ...context.backend.faults?.expiring, verify: false })
      const producer = context.producer(topic)
      await producer.burst({ keys: ['k'], perKey: 10, timestamp: anHourAgo() })
      const first = await Member.start(context, { topics: [topic], consumer: { fetchMaxBytes: 150 } })
      await context.untilDelivered(2, [first])
      await first.close()
      if (context.oracle.deliveredTo(context.group) >= 10) {
        // It was through before it could be closed: put it back behind the first record.
        const at = context.oracle.of('acknowledged')[0]!
        await context.streams.groups.seekGroup(
          context.group,
          topic.name,
          { after: at.position },
          { partition: at.partition },
        )
      }
      await expire(topic.name)
      await producer.burst({ keys: ['k'], perKey: 3 })
      const second = await Member.start(context, { topics: [topic] })
      await eventually(() => second.ended, { what: 'run to end' })
      assert.equal(
        (second.failure as StreamError | undefined)?.code,
        'POSITION_EXPIRED',
        String(second.failure),
      )
      await second.consumer.close()
      await context.streams.groups.seekGroup(context.group, topic.name, 'earliest', {})
      const third = await Member.start(context, { topics: [topic] })
      const last = () => context.oracle.of('delivered').some(({ seq }) => seq === 13)
      await eventually(last, { what: 'the group goes on', unless: () => third.throwFailure() })
      await third.close()
    },
  },
  {
    id: 'expired/while-reading',
    title: 'a reader that retention overtakes is told so, rather than moved on in silence',
    async run(context) {
      const expire = context.fault('expire')
      const topic = await context.topic({ ...context.backend.faults?.expiring, verify: false })
      const producer = context.producer(topic)
      for (let i = 0; i < 40; i++) await producer.send('k', { pad: 'x'.repeat(500), timestamp: anHourAgo() })
      const reader = context.streams.read(topic, { fetchMaxBytes: 600 })
      const iterator = reader.records()[Symbol.asyncIterator]()
      await iterator.next()
      await expire(topic.name)
      await producer.send('k')
      const seen: number[] = []
      const reading = async () => {
        for (;;) {
          const { value, done } = await iterator.next()
          if (done) return
          seen.push(value.value!.seq)
          if (value.value!.seq === 41) return
        }
      }
      const error = await reading().then(
        () => undefined,
        (reason) => reason as StreamError,
      )
      // What was read ahead may still come; after that there is the error, or, where nothing was missed, everything.
      if (error === undefined)
        assert.deepEqual(
          seen,
          Array.from({ length: 40 }, (_, i) => i + 2),
        )
      else assert.equal(error.code, 'POSITION_EXPIRED')
      await reader.close()
    },
  },
]

function anHourAgo(): number {
  return Date.now() - 3_600_000
}
