import assert from 'node:assert/strict'
import {
  bytes,
  topic as describeTopic,
  type Header,
  type StreamRecord,
  type Topic,
} from '../../../src/index.ts'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { rejectsWith } from '../rejects-with.ts'
import { readAll } from '../workload/read-back.ts'

type Raw = Topic<Uint8Array, Uint8Array, Uint8Array>

const binary = Uint8Array.from({ length: 256 }, (_, i) => i)

/** Promise 12. */
export const bytesOfEveryKind: readonly Case[] = [
  {
    id: 'bytes/values',
    title: 'empty, binary and null values come back as they were sent',
    run: (context) =>
      roundTrip(context, [
        { value: new Uint8Array(0) },
        { value: binary },
        { value: null },
        { value: Buffer.from('null') },
      ]),
  },
  {
    id: 'bytes/keys',
    title: 'null, empty, binary, long and non-ASCII keys come back as they were sent, null apart from empty',
    run: (context) =>
      roundTrip(
        context,
        [null, new Uint8Array(0), binary, Buffer.from('x'.repeat(1_000)), Buffer.from('ключ-鍵-🔑')].map(
          (key) => ({
            key,
            value: Buffer.from('v'),
          }),
        ),
      ),
  },
  {
    id: 'bytes/headers',
    title: 'header names repeat and keep their order; empty, binary and null values are told apart',
    run: (context) =>
      roundTrip(context, [
        { value: null, headers: [{ name: 'only', value: binary }] },
        {
          value: Buffer.from('v'),
          headers: [
            { name: 'twice', value: Buffer.from('1') },
            { name: 'between', value: null },
            { name: 'twice', value: Buffer.from('2') },
            { name: 'empty', value: new Uint8Array(0) },
            { name: '', value: Buffer.from('no name') },
            { name: 'имя', value: Buffer.from('значение') },
            { name: 'long', value: Buffer.alloc(5_000, 7) },
          ],
        },
        {
          value: Buffer.from('v'),
          headers: Array.from({ length: 200 }, (_, i) => ({ name: `h${i}`, value: null })),
        },
      ]),
  },
  {
    id: 'bytes/timestamps',
    title: "a producer's timestamp comes back exactly; without one the backend gives its own",
    async run(context) {
      const topic = await rawTopic(context)
      await using producer = context.streams.producer()
      const stamps = [0, 1, 1_700_000_000_123, Date.now() + 86_400_000]
      for (const timestamp of stamps) await producer.send(topic, binary, { timestamp })
      const before = Date.now()
      await producer.send(topic, binary)
      const after = Date.now()
      const found = (await readAll(context.streams, topic)).map((record) => record.timestamp)
      assert.deepEqual(found.slice(0, 4), stamps)
      const own = found[4]!
      assert.ok(own >= before - 2_000 && own <= after + 2_000, `${own} is not about ${before}`)
    },
  },
  {
    id: 'bytes/largest',
    title:
      'a record of exactly the largest size comes back whole, to readers and groups with small buffers too',
    async run(context) {
      const topic = await rawTopic(context, { maxRecordBytes: 300_000 })
      const { maxRecordBytes } = await context.streams.admin.describeTopic(topic.name)
      assert.equal(maxRecordBytes, 300_000)
      const key = Buffer.from('key')
      const value = new Uint8Array(maxRecordBytes - key.length).fill(42)
      await using producer = context.streams.producer()
      await producer.send(topic, value, { key })
      const [found] = await readAll(context.streams, topic, { fetchMaxBytes: 1_000 })
      assert.equal(Buffer.compare(found!.value!, value), 0)
      const consumer = context.streams.consumer({
        group: context.group,
        topics: [topic],
        fetchMaxBytes: 1_000,
        maxBufferedBytes: 1_000,
      })
      for await (const batch of consumer) {
        assert.equal(batch.at(0)?.value?.length, value.length)
        break
      }
    },
  },
  {
    id: 'bytes/too-large',
    title: 'one byte too many is RECORD_TOO_LARGE, naming the limit, before anything of the call is sent',
    async run(context) {
      const topic = await rawTopic(context, { maxRecordBytes: 50_000 })
      await using producer = context.streams.producer()
      const small = { key: null, value: Buffer.from('small') }
      const large = { key: Buffer.from('key'), value: new Uint8Array(50_000 - 3 + 1) }
      const limit = /50[,._ ]?000/
      await rejectsWith('RECORD_TOO_LARGE', () => producer.sendRecords(topic, [small, large, small]), limit)
      await rejectsWith(
        'RECORD_TOO_LARGE',
        () => producer.send(topic, large.value, { key: large.key }),
        limit,
      )
      const headers = [{ name: 'h', value: new Uint8Array(50_000) }]
      await rejectsWith('RECORD_TOO_LARGE', () => producer.sendRecords(topic, [{ ...small, headers }]), limit)
      assert.deepEqual(await readAll(context.streams, topic), [])
      // A refused call does not take others with it.
      const fine = producer.sendRecords(topic, [small])
      const refused = producer.sendRecords(topic, [large])
      refused.catch(() => {})
      assert.equal((await fine).length, 1)
      await rejectsWith('RECORD_TOO_LARGE', () => refused)
      assert.equal((await readAll(context.streams, topic)).length, 1)
    },
  },
  {
    id: 'bytes/through-a-group',
    title: 'a group is given the same bytes, headers and nulls as a reader',
    async run(context) {
      const topic = await rawTopic(context)
      await using producer = context.streams.producer()
      const headers = [
        { name: 'a', value: binary },
        { name: 'a', value: null },
      ]
      await producer.sendRecords(topic, [
        { key: null, value: binary, headers },
        { key: binary, value: null },
        { key: new Uint8Array(0), value: new Uint8Array(0) },
      ])
      const consumer = context.streams.consumer({ group: context.group, topics: [topic] })
      const found: unknown[] = []
      for await (const batch of consumer) {
        found.push(...[...batch].map(plain))
        if (found.length === 3) break
      }
      assert.deepEqual(found, [
        plain({ key: null, value: binary, headers }),
        plain({ key: binary, value: null, headers: [] }),
        plain({ key: new Uint8Array(0), value: new Uint8Array(0), headers: [] }),
      ])
    },
  },
  {
    id: 'bytes/not-changed-later',
    title: 'bytes of a batch stay what they are while later ones are read',
    async run(context) {
      const topic = await rawTopic(context)
      await using producer = context.streams.producer()
      const values = Array.from({ length: 60 }, (_, i) => Buffer.alloc(100, i + 1))
      await producer.sendBatch(topic, values)
      await producer.sendBatch(topic, values)
      const records = await readAll(context.streams, topic, { fetchMaxBytes: 500 })
      assert.equal(records.length, 120)
      for (const [i, record] of records.entries())
        assert.equal(Buffer.compare(record.value!, values[i % 60]!), 0)
    },
  },
]

interface Sample {
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly Header[]
}

/** Sends the samples one by one and in one call, and compares what is read. */
async function roundTrip(context: CaseContext, samples: readonly Sample[]): Promise<void> {
  const topic = await rawTopic(context)
  await using producer = context.streams.producer()
  for (const { value, ...options } of samples) await producer.send(topic, value, options)
  await producer.sendRecords(topic, samples)
  const expected = samples.map(({ key = null, value, headers = [] }) => plain({ key, value, headers }))
  const found = (await readAll(context.streams, topic)).map(plain)
  assert.deepEqual(found, [...expected, ...expected])
}

function plain(record: Pick<StreamRecord, 'key' | 'value' | 'headers'>): object {
  const hex = (part: Uint8Array | null) => (part === null ? null : Buffer.from(part).toString('hex'))
  return {
    key: hex(record.key),
    value: hex(record.value),
    headers: record.headers.map(({ name, value }) => [name, hex(value)]),
  }
}

async function rawTopic(context: CaseContext, spec: { maxRecordBytes?: number } = {}): Promise<Raw> {
  const { name } = await context.topic({ ...spec, verify: false })
  return describeTopic(name, { value: bytes(), keySerde: bytes() })
}
