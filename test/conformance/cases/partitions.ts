import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually } from '../eventually.ts'
import { keys, type LoadRecord, type LoadTopic } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll, seqs } from '../workload/read-back.ts'

/** Promise 9. */
export const partitions: readonly Case[] = [
  {
    id: 'partitions/added-under-load',
    title:
      'partitions added while producing and consuming lose nothing; with lineage order per key holds through it',
    needs: ['addPartitions'],
    timeoutMs: 20_000,
    run: (context) =>
      underLoad(context, 2, async (topic) => {
        await context.streams.admin.addPartitions(topic.name, 4, { acceptReordering: true })
        const { partitions: all } = await context.streams.admin.describeTopic(topic.name)
        assert.equal(all.filter(({ state }) => state === 'open').length, 4)
      }),
  },
  {
    id: 'partitions/split-under-load',
    title:
      'a partition split while producing and consuming with several members: parents are drained before children',
    needs: ['splitMerge', 'lineage'],
    timeoutMs: 20_000,
    run: (context) =>
      underLoad(context, 2, async (topic) => {
        const parent = (await open(context, topic))[0]!
        const children = await context.streams.admin.splitPartition(topic.name, parent)
        assert.equal(children.length, 2)
        await wait(30)
        await context.streams.admin.splitPartition(topic.name, children[0]!)
      }),
  },
  {
    id: 'partitions/merge-under-load',
    title: 'partitions merged, and split again, while producing and consuming with several members',
    needs: ['splitMerge', 'lineage'],
    timeoutMs: 20_000,
    run: (context) =>
      underLoad(context, 1, async (topic) => {
        const [parent] = await open(context, topic)
        const [a, b] = await context.streams.admin.splitPartition(topic.name, parent!)
        await wait(30)
        const [merged] = await context.streams.admin.mergePartitions(topic.name, [a!, b!])
        await wait(30)
        await context.streams.admin.splitPartition(topic.name, merged!)
      }),
  },
  {
    id: 'partitions/lineage-described',
    title: 'after a split and a merge the description names states, parents and children',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const topic = await context.topic()
      const [parent] = await open(context, topic)
      const [a, b] = await context.streams.admin.splitPartition(topic.name, parent!)
      const [merged] = await context.streams.admin.mergePartitions(topic.name, [a!, b!])
      const described = await context.streams.admin.describeTopic(topic.name)
      const of = (id: string) => described.partitions.find((partition) => partition.id === id)!
      assert.deepEqual(
        [of(parent!).state, of(a!).state, of(b!).state, of(merged!).state],
        ['ended', 'ended', 'ended', 'open'],
      )
      assert.deepEqual(of(parent!).children.toSorted(), [a!, b!].toSorted())
      assert.deepEqual(of(a!).parents, [parent])
      assert.deepEqual(of(merged!).parents.toSorted(), [a!, b!].toSorted())
      await context.producer(topic).burst({ keys: keys(3), perKey: 2 })
      await context.judge()
    },
  },
  {
    id: 'partitions/children-wait',
    title: 'children are given to nobody before the group is done with their parents',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(4), perKey: 3 })
      const [parent] = await open(context, topic)
      const gate = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const first = await Member.start(context, { topics: [topic], each: () => gate.promise })
      await eventually(() => context.oracle.deliveredTo(context.group) > 0, { what: 'the parent is in work' })
      const children = await context.streams.admin.splitPartition(topic.name, parent!)
      await producer.burst({ keys: keys(4), perKey: 3 })
      const second = await Member.start(context, { topics: [topic] })
      const joined = async () =>
        (await context.streams.groups.describeGroup(context.group)).members.length === 2
      await eventually(joined, { what: 'two members' })
      const tooEarly = () =>
        context.oracle.of('assigned').filter(({ partition }) => children.includes(partition))
      // Nothing can be awaited that must not happen: ten turns of heartbeats are given to it.
      await wait(300)
      assert.deepEqual(tooEarly(), [])
      gate.resolve()
      await context.untilDelivered(24, [first, second])
      await Promise.all([first.close(), second.close()])
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'partitions/empty-generation',
    title:
      'a split partition that holds nothing does not let its children begin before its own parent is done',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(6), perKey: 3 })
      const [first] = await open(context, topic)
      const [a, b] = await context.streams.admin.splitPartition(topic.name, first!)
      await context.streams.admin.splitPartition(topic.name, a!)
      await context.streams.admin.splitPartition(topic.name, b!)
      await producer.burst({ keys: keys(6), perKey: 3 })
      const members = [
        await Member.start(context, { topics: [topic] }),
        await Member.start(context, { topics: [topic] }),
      ]
      await context.untilDelivered(36, members)
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'partitions/merge-with-what-nobody-began',
    title:
      'of a merge with a partition that nobody has begun, since its own parent is in work, nothing is passed over',
    needs: ['splitMerge', 'lineage'],
    timeoutMs: 25_000,
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const burst = () => producer.burst({ keys: keys(12), perKey: 3 })
      const [low, high] = await open(context, topic)
      const gate = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const each = ({ partition }: LoadRecord) => (partition === low ? gate.promise : undefined)
      const members = [
        await Member.start(context, { topics: [topic], each }),
        await Member.start(context, { topics: [topic], each }),
      ]
      await Promise.all(members.map((member) => member.assigned(1)))
      const sent = await burst()
      const children = await context.streams.admin.splitPartition(topic.name, low!)
      sent.push(...(await burst()))
      const [merged] = await context.streams.admin.mergePartitions(topic.name, [children[1]!, high!])
      await burst()
      const elsewhere = sent.filter(({ partition }) => partition === high).length
      const delivered = () => context.oracle.of('delivered').filter(({ partition }) => partition === high)
      await eventually(() => delivered().length === elsewhere, { what: `${high} is read` })
      // As above: nothing can be awaited that must not happen.
      await wait(300)
      const begun = context.oracle.of('assigned').map(({ partition }) => partition)
      assert.deepEqual(new Set(begun), new Set([low, high]))
      gate.resolve()
      await context.untilDelivered(108, members)
      assert.ok(context.oracle.of('assigned').some(({ partition }) => partition === merged))
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'partitions/later-ones-from-their-beginning',
    title: 'a group that began at latest reads partitions that came later from their beginning',
    needs: ['addPartitions'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(4), perKey: 3 })
      const first = await Member.start(context, { topics: [topic], consumer: { from: 'latest' } })
      await first.assigned()
      await first.close()
      await context.streams.admin.addPartitions(topic.name, 3, { acceptReordering: true })
      const sent = await producer.burst({ keys: keys(12), perKey: 3 })
      assert.ok(new Set(sent.map(({ partition }) => partition)).size > 1, 'all keys are in one partition')
      const second = await Member.start(context, { topics: [topic], consumer: { from: 'latest' } })
      await context.untilDelivered(36, [second])
      await second.close()
    },
  },
  {
    id: 'partitions/read-parents-first',
    title: 'a reader gives parents before their children, and resumes in the middle of a lineage',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      const [parent] = await open(context, topic)
      await producer.burst({ keys: ['k'], perKey: 10 })
      const [a, b] = await context.streams.admin.splitPartition(topic.name, parent!)
      await producer.burst({ keys: ['k'], perKey: 10 })
      await context.streams.admin.mergePartitions(topic.name, [a!, b!])
      await producer.burst({ keys: ['k'], perKey: 10 })
      const all = Array.from({ length: 30 }, (_, i) => i + 1)
      assert.deepEqual(seqs(await readAll(context.streams, topic, { fetchMaxBytes: 200 })), all)
      const resumed = await readAll(context.streams, topic, { starts: { [parent!]: 'end' } })
      assert.deepEqual(seqs(resumed), all.slice(10))
      await context.judge()
    },
  },
  {
    id: 'partitions/reader-follows',
    title: 'a reader without an end follows splits and merges, parents before children',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      const seen: string[] = []
      await using reader = context.streams.read(topic)
      const reading = (async () => {
        for await (const record of reader.records()) seen.push(`${record.key}#${record.value!.seq}`)
      })()
      reading.catch(() => {})
      let count = 0
      const more = async () => {
        await producer.burst({ keys: keys(4), perKey: 5 })
        count += 20
      }
      const parent = (await open(context, topic))[0]!
      await more()
      const [a, b] = await context.streams.admin.splitPartition(topic.name, parent)
      await more()
      await eventually(() => seen.length === count, { what: () => `${count} read, there are ${seen.length}` })
      await context.streams.admin.mergePartitions(topic.name, [a!, b!])
      await more()
      await eventually(() => seen.length === count, { what: () => `${count} read, there are ${seen.length}` })
      await reader.close()
      await reading
      for (const [key, names] of Map.groupBy(seen, (name) => name.split('#')[0]!)) {
        assert.deepEqual(
          names,
          Array.from({ length: 15 }, (_, i) => `${key}#${i + 1}`),
        )
      }
    },
  },
  {
    id: 'partitions/reordering-is-accepted-first',
    title:
      'without lineage more partitions are refused until it is said that keys may move; with it they are not',
    needs: ['addPartitions'],
    async run(context) {
      const topic = await context.topic()
      const call = () => context.streams.admin.addPartitions(topic.name, 2)
      if (context.capabilities.has('lineage')) await call()
      else await assert.rejects(call, /acceptReordering/)
    },
  },
]

async function open(context: CaseContext, topic: LoadTopic): Promise<string[]> {
  const described = await context.streams.admin.describeTopic(topic.name)
  return described.partitions.filter(({ state }) => state === 'open').map(({ id }) => id)
}

/** Changes the partitions while two producers and three members are at work. */
async function underLoad(
  context: CaseContext,
  partitionCount: number,
  change: (topic: LoadTopic) => Promise<void>,
): Promise<void> {
  const topic = await context.topic({ partitions: partitionCount })
  const other = await context.connect()
  const producers = [context.producer(topic), context.producer(topic, other.streams)]
  // So that there is something left to drain when the change comes.
  await Promise.all(producers.map((producer) => producer.burst({ keys: keys(10), perKey: 20 })))
  const members: Member[] = []
  for (let i = 0; i < 3; i++) {
    const run = { concurrency: 4 }
    members.push(await Member.start(context, { topics: [topic], run, each: () => wait(3) }))
  }
  const sending = Promise.all(
    producers.map((producer) => producer.burst({ keys: keys(10), perKey: 20, gap: () => wait(5) })),
  )
  sending.catch(() => {})
  await context.untilDelivered(60, members)
  await change(topic)
  await sending
  await context.untilDelivered(800, members)
  await Promise.all(members.map((member) => member.close()))
  await context.judge({
    complete: [{ group: context.group, topic: topic.name }],
    orderAcrossPartitions: context.capabilities.has('lineage'),
  })
}
