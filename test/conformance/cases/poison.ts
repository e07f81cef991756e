import assert from 'node:assert/strict'
import {
  deadLetter,
  deadLetterHeaders,
  topic as describeTopic,
  json,
  type StreamError,
  skip,
  stop,
} from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys, type Load, loadTopic } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll, seqs } from '../workload/read-back.ts'

const quickly = { attempts: 3, backoffMs: 2, maxBackoffMs: 5 } as const

function isPoison(record: { readonly value: Load | null }): boolean {
  return record.value?.seq === 3 && record.value.key === 'k1'
}

/** Promise 8, up to parking, which has a file of its own. */
export const poison: readonly Case[] = [
  {
    id: 'poison/dead-letter',
    title:
      'a record that fails for good goes to the dead-letter topic as it was, with origin, cause and attempts',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const letters = await context.topic({ verify: false })
      await context.producer(topic).burst({ keys: keys(4), perKey: 5 })
      const binary = Uint8Array.of(0, 255, 128)
      await using extra = context.streams.producer()
      const timestamp = Date.now() - 5_000
      const poisoned: Load = { producer: 'x', key: 'k1', seq: 3 }
      const origin = await extra.send(topic, poisoned, {
        headers: [{ name: 'own', value: binary }],
        timestamp,
      })
      let attempts = 0
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: quickly, onPoison: deadLetter(letters.name), concurrency: 4 },
        each(record) {
          if (record.value?.producer !== 'x') return
          attempts++
          throw new RangeError(`cannot bear ${record.value.seq}`)
        },
      })
      await context.untilDelivered(21, [member])
      await eventually(() => member.stats.deadLettered === 1, { what: 'a dead letter' })
      await member.close()
      assert.equal(attempts, 3)
      const [letter, ...others] = await readAll(context.streams, letters)
      assert.ok(letter !== undefined && others.length === 0)
      assert.deepEqual(letter.value, poisoned)
      assert.equal(letter.key, 'k1')
      assert.equal(letter.timestamp, timestamp)
      const own = letter.headers.find(({ name }) => name === 'own')?.value
      assert.deepEqual(own && Uint8Array.from(own), binary)
      const headers = Object.entries(deadLetterHeaders).map(([field, name]) => [field, letter.header(name)])
      assert.deepEqual(Object.fromEntries(headers), {
        topic: topic.name,
        partition: origin.partition,
        position: origin.position,
        timestamp: String(timestamp),
        group: context.group,
        error: 'cannot bear 3',
        errorName: 'RangeError',
        attempts: '3',
        parked: undefined,
      })
      const { partitions } = await context.streams.groups.describeGroup(context.group)
      for (const { lag } of partitions) assert.equal(lag.records ?? 0, 0, 'the group has passed the poison')
    },
  },
  {
    id: 'poison/others-go-on',
    title: 'while one record is tried again and again, other keys of its partition go on',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(5), perKey: 6 })
      let others = 0
      const member = await Member.start(context, {
        topics: [topic],
        run: {
          concurrency: 5,
          retry: { attempts: Number.POSITIVE_INFINITY, backoffMs: 50, maxBackoffMs: 50 },
        },
        each(record) {
          if (record.key === 'k1' && record.value?.seq === 3 && others < 24)
            throw new Error('wait for the others')
          if (record.key !== 'k1') others++
        },
      })
      await context.untilDelivered(30, [member])
      await member.close()
      assert.equal(others, 24)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/batch-partial-failure',
    title:
      'a batch handler that names the positions that failed gets only those again, then they are dead letters',
    async run(context) {
      const topic = await context.topic()
      const letters = await context.topic({ verify: false })
      await context.producer(topic).burst({ keys: keys(4), perKey: 5 })
      const handled = new Map<string, number>()
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: quickly, onPoison: deadLetter(letters.name) },
        batch(batch) {
          for (const { position } of batch) handled.set(position, (handled.get(position) ?? 0) + 1)
          return { failed: [...batch].filter(isPoison).map(({ position }) => position) }
        },
      })
      await context.untilDelivered(20, [member])
      await eventually(() => member.stats.deadLettered === 1, { what: 'a dead letter' })
      await member.close()
      const counts = [...handled.values()].toSorted((a, b) => a - b)
      assert.deepEqual(counts.slice(0, 19), Array(19).fill(1), 'what was done was not done again')
      assert.equal(counts[19], 3)
      const found = await readAll(context.streams, letters)
      assert.deepEqual(seqs(found), [3])
      assert.equal(found[0]?.header(deadLetterHeaders.attempts), '3')
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/batch-bisect',
    title: 'a batch handler that only throws is given halves, until the one poison record is found',
    async run(context) {
      const topic = await context.topic()
      const letters = await context.topic({ verify: false })
      await context.producer(topic).sendBatch([...keys(8), ...keys(8), ...keys(8), ...keys(8)])
      const done = new Set<string>()
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: { ...quickly, attempts: 2 }, onPoison: deadLetter(letters.name) },
        batch(batch) {
          if ([...batch].some(isPoison)) throw new Error('somewhere in here')
          for (const { position } of batch) done.add(position)
        },
      })
      await eventually(() => member.stats.deadLettered === 1 && done.size === 31, {
        what: '31 records done and one dead letter',
        unless: () => member.throwFailure(),
      })
      await member.close()
      assert.deepEqual(seqs(await readAll(context.streams, letters)), [3])
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/dead-letter-write-fails',
    title: 'a dead letter that cannot be written is not swallowed: run rejects, and the record comes again',
    async run(context) {
      const topic = await context.topic()
      // The record itself fits; with the origin in headers it does not.
      const letters = await context.topic({ verify: false, maxRecordBytes: 1_100 })
      const producer = context.producer(topic)
      await producer.send('k0')
      await producer.send('k1', { pad: 'x'.repeat(1_000) })
      await producer.send('k2')
      const run = { retry: { attempts: 1 }, onPoison: deadLetter(letters.name) }
      const first = await Member.start(context, {
        topics: [topic],
        run,
        each(record) {
          if (record.key === 'k1') throw new Error('poison')
        },
      })
      await eventually(() => first.ended, { what: 'run to end' })
      assert.ok(first.failure !== undefined, 'run resolved as if nothing had happened')
      assert.equal((first.failure as StreamError).code, 'RECORD_TOO_LARGE')
      await first.consumer.close()
      assert.deepEqual(await readAll(context.streams, letters), [])
      const second = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(3, [second])
      const again = () => context.oracle.of('delivered').filter((event) => event.key === 'k1').length >= 2
      await eventually(again, { what: 'the poison record comes again' })
      await second.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/dead-letter-topic-missing',
    title: 'a dead-letter topic that does not exist is refused when run starts, before anything is handled',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).send('k')
      const consumer = context.streams.consumer({ group: context.group, topics: [topic] })
      let handled = 0
      const run = () =>
        consumer.run({
          each: () => {
            handled++
          },
          onPoison: deadLetter(context.unique('nowhere')),
        })
      await rejectsWith('NOT_FOUND', run, /nowhere/)
      assert.equal(handled, 0)
      await consumer.close()
    },
  },
  {
    id: 'poison/skip',
    title: 'skip goes on without the record and counts it',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(3), perKey: 5 })
      const member = await Member.start(context, {
        topics: [topic],
        run: { retry: quickly, onPoison: skip() },
        each(record) {
          if (isPoison(record)) throw new Error('poison')
        },
      })
      await context.untilDelivered(15, [member])
      await eventually(() => member.stats.skipped === 1, { what: 'a skipped record' })
      await member.close()
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/stop',
    title: "stop, the default, ends run with the handler's own error and checkpoints only what was before",
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: keys(3), perKey: 5 })
      const failure = new Error('poison')
      const first = await Member.start(context, {
        topics: [topic],
        run: { retry: quickly, onPoison: stop() },
        each(record) {
          if (isPoison(record)) throw failure
        },
      })
      await eventually(() => first.ended, { what: 'run to end' })
      const told = first.failure as { cause?: unknown } | undefined
      assert.ok(told === failure || told?.cause === failure, `run ended with ${told}`)
      await first.consumer.close()
      const second = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(15, [second])
      await second.close()
      const [firstOfSecond] = context.oracle
        .of('delivered')
        .filter((event) => event.member === second.connection.member)
      assert.deepEqual(
        [firstOfSecond?.key, firstOfSecond?.seq],
        ['k1', 3],
        'the successor begins with the poison',
      )
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'poison/retry-attempts',
    title: 'attempts count from 1 in the context; retryable: false gives up at once',
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      await producer.burst({ keys: ['k0', 'k1'], perKey: 1 })
      const attempts: Record<string, number[]> = { k0: [], k1: [] }
      const member = await Member.start(context, {
        topics: [topic],
        run: {
          retry: { ...quickly, retryable: (error) => (error as Error).message === 'k0' },
          onPoison: skip(),
        },
        each(record, { attempt }) {
          attempts[record.key!]!.push(attempt)
          throw new Error(record.key!)
        },
      })
      await eventually(() => member.stats.skipped === 2, { what: 'two skipped records' })
      await member.close()
      assert.deepEqual(attempts, { k0: [1, 2, 3], k1: [1] })
    },
  },
  {
    id: 'poison/undecodable',
    title: 'bytes that do not decode are poison at once, and go to the dead-letter topic as they are',
    async run(context) {
      const topic = await context.topic({ verify: false })
      const letters = await context.topic({ verify: false })
      await using producer = context.streams.producer()
      const broken = Buffer.from('{"half":')
      await producer.send(topic.name, broken, { key: 'k' })
      await producer.send(topic.name, Buffer.from('{"producer":"p","key":"k","seq":2}'), { key: 'k' })
      const json2 = describeTopic(topic.name, { value: json<Load>() })
      const consumer = context.streams.consumer({ group: context.group, topics: [json2] })
      const values: unknown[] = []
      const running = consumer.run({
        each: (record) => void values.push(record.value),
        onPoison: deadLetter(letters.name),
        retry: { attempts: 5, backoffMs: 60_000 },
      })
      running.catch(() => {})
      await eventually(() => values.length === 1 && consumer.stats.deadLettered === 1, {
        what: 'one value, one letter',
      })
      await consumer.close()
      await running
      const [letter] = await readAll(context.streams, letters.name)
      assert.deepEqual(Buffer.from(letter!.value!), broken)
      assert.equal(letter!.header(deadLetterHeaders.attempts), '1')
    },
  },
  {
    id: 'poison/schema',
    title: 'a value that its schema refuses is poison at once; the others of its batch are handled',
    async run(context) {
      const { name } = await context.topic({ verify: false })
      const letters = await context.topic({ verify: false })
      await context.producer(loadTopic(name)).burst({ keys: keys(2), perKey: 4 })
      const strict = describeTopic(name, { value: refusesThird })
      for (const how of ['each', 'batch'] as const) {
        const done: string[] = []
        const consumer = context.streams.consumer({ group: context.unique(how), topics: [strict] })
        const handle = ({ value }: { value: Load | null }) => void done.push(`${value!.key}#${value!.seq}`)
        const running = consumer.run({
          ...(how === 'each'
            ? { each: handle }
            : {
                batch: (batch: Iterable<{ value: Load | null }>) => {
                  for (const record of batch) handle(record)
                },
              }),
          onPoison: deadLetter(letters.name),
          retry: { attempts: 3, backoffMs: 60_000 },
        })
        running.catch(() => {})
        const over = () => consumer.stats.deadLettered === 2 && new Set(done).size === 6
        await eventually(over, { what: 'six are done and two are dead letters' }).catch((error) => {
          throw new Error(`${how}: done ${done.join(' ')}, ${consumer.stats.deadLettered} dead letters`, {
            cause: error,
          })
        })
        await consumer.close()
        await running
      }
      assert.deepEqual(seqs(await readAll(context.streams, letters)), [3, 3, 3, 3])
    },
  },
]

/** A Standard Schema that takes all but the third record of a key. */
const refusesThird = {
  '~standard': {
    version: 1 as const,
    vendor: 'millrace-conformance',
    validate: (value: unknown) =>
      (value as Load).seq === 3
        ? { issues: [{ message: 'not the third', path: ['seq'] }] }
        : { value: value as Load },
    types: undefined as unknown as { readonly input: Load; readonly output: Load },
  },
}
