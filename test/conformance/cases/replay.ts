import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { From, Until } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually, within } from '../eventually.ts'
import { keys, type LoadTopic } from '../workload/load.ts'
import { readAll, seqs } from '../workload/read-back.ts'

/** Promise 3. */
export const replay: readonly Case[] = [
  {
    id: 'replay/from-earliest',
    title: 'from earliest gives everything, in order, and until now ends it',
    run: (context) => range(context, ({ all }) => ({ from: 'earliest', expect: all })),
  },
  {
    id: 'replay/from-at',
    title: 'from { at } begins with the record that stands there',
    run: (context) =>
      range(context, ({ positions }) => ({ from: { at: positions[3]! }, expect: [4, 5, 6, 7, 8, 9, 10] })),
  },
  {
    id: 'replay/from-after',
    title: 'from { after } begins with the next record, also after the last one',
    async run(context) {
      await range(context, ({ positions }) => ({
        from: { after: positions[3]! },
        expect: [5, 6, 7, 8, 9, 10],
      }))
      await range(context, ({ positions }) => ({ from: { after: positions[9]! }, expect: [] }))
    },
  },
  {
    id: 'replay/from-timestamp',
    title: 'from { timestamp } begins with the first record that is not older, as number and as Date',
    async run(context) {
      await range(context, ({ times }) => ({ from: { timestamp: times[5]! }, expect: [6, 7, 8, 9, 10] }))
      await range(context, ({ times }) => ({
        from: { timestamp: new Date(times[5]!) },
        expect: [6, 7, 8, 9, 10],
      }))
      await range(context, ({ all }) => ({ from: { timestamp: 0 }, expect: all }))
      await range(context, () => ({ from: { timestamp: Date.now() + 60_000 }, expect: [] }))
    },
  },
  {
    id: 'replay/until-at',
    title: 'until { at } ends before that record',
    run: (context) =>
      range(context, ({ positions }) => ({ until: { at: positions[4]! }, expect: [1, 2, 3, 4] })),
  },
  {
    id: 'replay/until-after',
    title: 'until { after } ends with that record',
    run: (context) =>
      range(context, ({ positions }) => ({ until: { after: positions[4]! }, expect: [1, 2, 3, 4, 5] })),
  },
  {
    id: 'replay/until-timestamp',
    title: 'until { timestamp } ends before the first record that is not older',
    run: (context) =>
      range(context, ({ times }) => ({ until: { timestamp: times[4]! }, expect: [1, 2, 3, 4] })),
  },
  {
    id: 'replay/from-latest',
    title: 'from latest gives what is sent later, and nothing that was there',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(4), perKey: 5 })
      assert.deepEqual(await readAll(context.streams, topic, { from: 'latest' }), [])
      await using reader = context.streams.read(topic, { from: 'latest' })
      const iterator = reader.records()[Symbol.asyncIterator]()
      const first = iterator.next()
      // Whether the reader has found the end yet cannot be seen from outside: sending goes on until it gives something.
      let got = false
      first.then(
        () => (got = true),
        () => {},
      )
      while (!got) {
        await producer.send('later')
        await wait(5)
      }
      const { value } = await first
      assert.equal(value?.key, 'later')
      await iterator.return?.()
    },
  },
  {
    id: 'replay/until-now-empty',
    title: 'until now ends at once on an empty topic, and on one whose partitions are partly empty',
    async run(context) {
      const topic = await context.topic({ partitions: 4 })
      assert.deepEqual(await within(3_000, readAll(context.streams, topic), 'an empty topic to end'), [])
      await context.producer(topic).send('one')
      assert.equal((await within(3_000, readAll(context.streams, topic), 'the topic to end')).length, 1)
    },
  },
  {
    id: 'replay/until-now-is-fixed',
    title: 'until now is the end as it stood when reading began, whatever is sent meanwhile',
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: ['k'], perKey: 20 })
      let sending = true
      const more = (async () => {
        while (sending) {
          await producer.send('more')
          await wait(0)
        }
      })()
      try {
        const records = await within(6_000, readAll(context.streams, topic, { fetchMaxBytes: 200 }), 'an end')
        assert.ok(records.length >= 20)
      } finally {
        sending = false
        await more
      }
    },
  },
  {
    id: 'replay/until-now-aborted-tail',
    title: 'until now ends where the topic ends with records of an aborted transaction',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 5 })
      const failure = new Error('changed my mind')
      const work = context.streams.transaction(async (tx) => {
        for (let seq = 1; seq <= 5; seq++) await tx.send(topic, { producer: 'tx', key: 'k', seq })
        throw failure
      })
      await assert.rejects(work, (error) => error === failure)
      assert.deepEqual(seqs(await within(3_000, readAll(context.streams, topic), 'the end')), [1, 2, 3, 4, 5])
    },
  },
  {
    id: 'replay/until-now-compacted-tail',
    title: 'until now ends, and lag reaches 0, where compaction has taken records away',
    needs: ['compaction'],
    async run(context) {
      const topic = await context.topic({
        ...context.backend.faults?.compacting,
        compacted: true,
        verify: false,
      })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(3), perKey: 10 })
      await using other = context.streams.producer()
      for (const key of keys(3)) await other.send(topic, null, { key })
      await context.fault('compact')(topic.name)
      const records = await within(3_000, readAll(context.streams, topic), 'the end')
      const newest = new Map(records.map((record) => [record.key, record.value]))
      for (const [key, value] of newest) assert.equal(value, null, `the newest of ${key} is its tombstone`)
    },
  },
  {
    id: 'replay/groups-untouched',
    title: 'reading leaves no group, and moves none',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 5 })
      await context.streams.groups.seekGroup(context.group, topic.name, 'earliest', {})
      const groups = await context.streams.groups.listGroups()
      const before = await context.streams.groups.describeGroup(context.group)
      assert.equal((await readAll(context.streams, topic)).length, 5)
      const left = (await context.streams.groups.listGroups()).filter((name) => !groups.includes(name))
      assert.deepEqual(left, [])
      const after = await context.streams.groups.describeGroup(context.group)
      assert.deepEqual(
        after.partitions.map(({ checkpoint }) => checkpoint),
        before.partitions.map(({ checkpoint }) => checkpoint),
      )
    },
  },
  {
    id: 'replay/partitions-and-starts',
    title: 'single partitions are read alone, from starts of their own, or left out as read before',
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      const producer = context.producer(topic)
      const sent = await producer.burst({ keys: keys(12), perKey: 5 })
      const byPartition = Map.groupBy(sent, ({ partition }) => partition)
      const [a, b] = [...byPartition.keys()]
      assert.ok(a !== undefined && b !== undefined, 'twelve keys are in one partition')
      const alone = await readAll(context.streams, topic, { partitions: [a] })
      assert.equal(alone.length, byPartition.get(a)!.length)
      const middle = byPartition.get(b)![2]!.position
      const resumed = await readAll(context.streams, topic, {
        starts: { [a]: 'end', [b]: { after: middle } },
      })
      const counts = Map.groupBy(resumed, ({ partition }) => partition)
      assert.equal(counts.get(a), undefined)
      assert.equal(counts.get(b)?.length, byPartition.get(b)!.length - 3)
    },
  },
  {
    id: 'replay/follows',
    title: 'without an end a reader follows the topic until it is closed',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const reader = context.streams.read(topic)
      let seen = 0
      const reading = (async () => {
        for await (const batch of reader) seen += batch.length
      })()
      reading.catch(() => {})
      for (let round = 1; round <= 3; round++) {
        await producer.sendBatch(keys(6))
        await eventually(() => seen === round * 6, {
          what: () => `${round * 6} records read, there are ${seen}`,
        })
      }
      await within(3_000, reader.close(), 'close of a waiting reader')
      await within(3_000, reading, 'the loop to end')
    },
  },
]

interface Sent {
  readonly positions: readonly string[]
  readonly times: readonly number[]
  readonly all: readonly number[]
}

/** Ten records a second apart by their own clock, and what a read with these bounds gives of them. */
async function range(
  context: CaseContext,
  ask: (sent: Sent) => { from?: From; until?: Until; expect: readonly number[] },
): Promise<void> {
  const { topic, positions, times } = await tenRecords(context)
  const all = Array.from({ length: 10 }, (_, i) => i + 1)
  const { from, until = 'now', expect } = ask({ positions, times, all })
  const partition = (await context.streams.admin.describeTopic(topic.name)).partitions[0]!.id
  const options = { until, partitions: [partition], ...(from === undefined ? {} : { from }) }
  const records = await within(4_000, readAll(context.streams, topic, options), 'the read to end')
  assert.deepEqual(seqs(records), expect)
  // The same in single records, and through small fetches.
  const one: number[] = []
  await using reader = context.streams.read(topic, { ...options, fetchMaxBytes: 150 })
  for await (const record of reader.records()) one.push(record.value!.seq)
  assert.deepEqual(one, expect)
}

async function tenRecords(
  context: CaseContext,
): Promise<{ topic: LoadTopic; positions: string[]; times: number[] }> {
  const topic = await context.topic()
  const start = Date.now() - 20_000
  const positions: string[] = []
  const times: number[] = []
  await using producer = context.streams.producer()
  for (let seq = 1; seq <= 10; seq++) {
    const timestamp = start + seq * 1_000
    const { position } = await producer.send(topic, { producer: 'p', key: 'k', seq }, { timestamp })
    positions.push(position)
    times.push(timestamp)
  }
  return { topic, positions, times }
}
