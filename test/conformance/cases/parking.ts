import assert from 'node:assert/strict'
import {
  deadLetterHeaders,
  type ParkingTicket,
  park,
  redriveHeaders,
  type StreamRecord,
} from '../../../src/index.ts'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually } from '../eventually.ts'
import { keys, type Load, type LoadTopic } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll, seqs } from '../workload/read-back.ts'

const once = { attempts: 1 } as const

/** Promise 8: parked keys. */
export const parking: readonly Case[] = [
  {
    id: 'parking/order',
    title: 'later records of a parked key follow it to the side in order; other keys go on',
    async run(context) {
      const { topic, parked } = await topics(context)
      await context.producer(topic).burst({ keys: keys(3), perKey: 6 })
      const done: string[] = []
      const member = await poisoned(context, topic, parked, done)
      await eventually(() => member.stats.deadLettered === 4 && done.length === 14, {
        what: '4 parked, 14 done',
        unless: () => member.throwFailure(),
      })
      await member.close()
      const letters = await readAll(context.streams, parked)
      assert.deepEqual(seqs(letters), [3, 4, 5, 6])
      assert.deepEqual(
        letters.map((letter) => letter.header(deadLetterHeaders.attempts)),
        ['1', '0', '0', '0'],
      )
      const tickets = letters.map(ticketOf)
      assert.deepEqual(
        tickets.map(({ seq }) => seq),
        [1, 2, 3, 4],
      )
      assert.equal(new Set(tickets.map(({ id, group }) => `${group} ${id}`)).size, 1)
      assert.equal(tickets[0]!.group, context.group)
    },
  },
  {
    id: 'parking/durable',
    title: 'a key stays parked when the partition gets another owner',
    async run(context) {
      const { topic, parked } = await topics(context)
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(2), perKey: 4 })
      const first = await poisoned(context, topic, parked, [])
      await eventually(() => first.stats.deadLettered === 2, {
        what: 'two parked',
        unless: () => first.throwFailure(),
      })
      await first.close()
      await producer.burst({ keys: keys(2), perKey: 2 })
      const done: string[] = []
      const second = await poisoned(context, topic, parked, done)
      await eventually(() => second.stats.deadLettered === 2 && done.length === 2, {
        what: 'two more parked',
      })
      await second.close()
      assert.deepEqual(done, ['k0#5', 'k0#6'])
      const letters = await readAll(context.streams, parked)
      assert.deepEqual(seqs(letters), [3, 4, 5, 6])
      assert.deepEqual(
        letters.map((letter) => ticketOf(letter).seq),
        [1, 2, 3, 4],
      )
    },
  },
  {
    id: 'parking/redrive',
    title: 'records sent back release the key: they are handled in order, and then the key goes on as before',
    async run(context) {
      const { topic, parked } = await topics(context)
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(2), perKey: 5 })
      const done: string[] = []
      let healed = false
      const member = await poisoned(context, topic, parked, done, () => healed)
      await eventually(() => member.stats.deadLettered === 3, {
        what: 'three parked',
        unless: () => member.throwFailure(),
      })
      healed = true
      await redrive(context, topic, await readAll(context.streams, parked))
      await producer.burst({ keys: ['k1'], perKey: 2 })
      await eventually(() => done.filter((name) => name.startsWith('k1')).length >= 7, {
        what: 'k1 is done with all its records',
        unless: () => member.throwFailure(),
      }).catch((error) => assert.fail(`${(error as Error).message}; done: ${done.join(' ')}`))
      await member.close()
      assert.deepEqual(
        done.filter((name) => name.startsWith('k1')),
        [1, 2, 3, 4, 5, 6, 7].map((seq) => `k1#${seq}`),
      )
    },
  },
  {
    id: 'parking/redrive-before-its-turn',
    title: 'a record that is sent back before those parked ahead of it is set aside again, not dropped',
    async run(context) {
      const { topic, parked } = await topics(context)
      await context.producer(topic).burst({ keys: ['k1'], perKey: 5 })
      const member = await poisoned(context, topic, parked, [])
      await eventually(() => member.stats.deadLettered === 3, { what: 'three parked' })
      const letters = await readAll(context.streams, parked)
      await redrive(context, topic, letters.slice(1, 2))
      const setAside = async () => (await readAll(context.streams, parked)).length > 3
      await eventually(setAside, { withinMs: 1_500, what: 'the fourth record of k1 is set aside again' })
      await member.close()
    },
  },
  {
    id: 'parking/redrive-one-group',
    title: 'what is sent back for one group is passed over by the others',
    async run(context) {
      const { topic, parked } = await topics(context)
      await context.producer(topic).burst({ keys: ['k1'], perKey: 3 })
      const done: string[] = []
      let healed = false
      const member = await poisoned(context, topic, parked, done, () => healed)
      await eventually(() => member.stats.deadLettered === 1, {
        what: 'one parked',
        unless: () => member.throwFailure(),
      })
      healed = true
      await redrive(context, topic, await readAll(context.streams, parked))
      await eventually(() => done.length === 3, { what: 'all done' })
      await member.close()
      const others: number[] = []
      const other = context.streams.consumer({ group: context.unique('other'), topics: [topic] })
      const running = other.run({ each: (record) => void others.push(record.value!.seq) })
      running.catch(() => {})
      await context.producer(topic).send('k1')
      await eventually(() => others.length >= 4, { what: 'the other group is through' })
      await other.close()
      await running
      assert.deepEqual(
        others,
        [1, 2, 3, 1],
        'the fourth is the first of another producer, not what was sent back',
      )
    },
  },
  {
    id: 'parking/batch',
    title: 'with a batch handler too the records of a parked key follow it, in order',
    async run(context) {
      const { topic, parked } = await topics(context)
      await context.producer(topic).burst({ keys: keys(3), perKey: 6 })
      const done = new Set<string>()
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: once, onPoison: park(parked.name), maxBatchRecords: 5 },
        batch(batch) {
          const failed: string[] = []
          for (const { value, position } of batch) {
            if (value?.key === 'k1' && value.seq === 3) failed.push(position)
            // What follows the poison in the batch that first holds it is the handler's own affair.
            else done.add(`${value?.key}#${value?.seq}`)
          }
          return { failed }
        },
      })
      const through = async () => {
        const { partitions } = await context.streams.groups.describeGroup(context.group)
        return partitions.length > 0 && partitions.every(({ lag }) => (lag.records ?? lag.millis) === 0)
      }
      await eventually(through, { what: 'the group is through', unless: () => member.throwFailure() })
      await member.close()
      const letters = seqs(await readAll(context.streams, parked))
      assert.equal(letters[0], 3)
      assert.deepEqual(
        letters,
        letters.toSorted((a, b) => a - b),
      )
      for (let seq = 1; seq <= 6; seq++) {
        assert.ok(done.has(`k0#${seq}`) && done.has(`k2#${seq}`), `${seq} of the other keys is done`)
        assert.ok(letters.includes(seq) || done.has(`k1#${seq}`), `${seq} of k1 is nowhere`)
      }
    },
  },
  {
    id: 'parking/split',
    title: 'a key stays parked when its partition is split: the children know what their parent had parked',
    needs: ['splitMerge', 'lineage'],
    async run(context) {
      const { topic, parked } = await topics(context)
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(4), perKey: 4 })
      const done: string[] = []
      const first = await poisoned(context, topic, parked, done)
      await eventually(() => first.stats.deadLettered === 2, {
        what: 'two set aside',
        unless: () => first.throwFailure(),
      })
      const { partitions } = await context.streams.admin.describeTopic(topic.name)
      await context.streams.admin.splitPartition(topic.name, partitions[0]!.id)
      await producer.burst({ keys: keys(4), perKey: 2 })
      await eventually(() => first.stats.deadLettered === 4 && done.length === 20, {
        what: 'four set aside, the others done',
        unless: () => first.throwFailure(),
      }).catch((error) => {
        throw new Error(`${first.stats.deadLettered} set aside, done: ${done.join(' ')}`, { cause: error })
      })
      await first.close()
      const letters = await readAll(context.streams, parked)
      assert.deepEqual(seqs(letters), [3, 4, 5, 6])
      assert.deepEqual(
        letters.map((letter) => ticketOf(letter).seq),
        [1, 2, 3, 4],
      )
    },
  },
  {
    id: 'parking/full',
    title: 'when as many keys are parked as may be, the next one stops the partition',
    async run(context) {
      const topic = await context.topic()
      const parked = await context.topic({ verify: false })
      await context.producer(topic).burst({ keys: keys(4), perKey: 1 })
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: once, onPoison: park(parked.name, { maxKeys: 2 }) },
        each() {
          throw new Error('all of them')
        },
      })
      await eventually(() => member.ended, { what: 'run to end' })
      assert.ok(member.failure !== undefined, 'run resolved')
      await member.consumer.close()
      assert.equal((await readAll(context.streams, parked)).length, 2)
    },
  },
]

async function topics(context: CaseContext): Promise<{ topic: LoadTopic; parked: LoadTopic }> {
  return { topic: await context.topic({ verify: false }), parked: await context.topic({ verify: false }) }
}

/** A member to whom record 3 of `k1` is poison until `healed`; `done` gets `key#seq` of what it handled. */
function poisoned(
  context: CaseContext,
  topic: LoadTopic,
  parked: LoadTopic,
  done: string[],
  healed = () => false,
): Promise<Member> {
  return Member.start(context, {
    topics: [topic],
    run: { retry: once, onPoison: park(parked.name), concurrency: 4 },
    each({ value }) {
      if (value?.key === 'k1' && value.seq === 3 && !healed()) throw new Error('poison')
      done.push(`${value?.key}#${value?.seq}`)
    },
  })
}

function ticketOf(letter: StreamRecord<Load, string>): ParkingTicket {
  const text = letter.header(deadLetterHeaders.parked)
  assert.ok(text !== undefined, 'a parked record has a ticket')
  return JSON.parse(text)
}

/** What `millrace replay` does: sends dead letters back to their group alone, with their tickets. */
async function redrive(
  context: CaseContext,
  to: LoadTopic,
  letters: readonly StreamRecord<Load, string>[],
): Promise<void> {
  await using producer = context.streams.producer()
  for (const letter of letters) {
    const names = new Set<string>(Object.values(deadLetterHeaders))
    const headers = letter.headers.filter(({ name }) => !names.has(name))
    const ticket = letter.header(deadLetterHeaders.parked)
    headers.push({ name: redriveHeaders.only, value: Buffer.from(letter.header(deadLetterHeaders.group)!) })
    if (ticket !== undefined) headers.push({ name: redriveHeaders.parked, value: Buffer.from(ticket) })
    await producer.send(to, letter.value, { key: letter.key, headers })
  }
}
