import { expect, test } from 'vitest'
import { md5Number } from '../../../../adapters/kinesis/records/index.ts'
import type { Acknowledgement, EncodedRecord } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { type FakeConnection, openOnFake } from '../support/fake-backend.ts'
import { record } from '../support/record.ts'
import { takenByKcl, type Written, writtenTo } from '../support/written.ts'

// What becomes of an aggregate when its shard was split between its making and its arrival: it lands in one child as a whole.
const HALF = 1n << 127n
const keysOf = (upper: boolean): string[] =>
  Array.from({ length: 1_000 }, (_, i) => `key${i}`)
    .filter((key) => md5Number(Buffer.from(key)) >= HALF === upper)
    .slice(0, 10)
const BOTH = [...keysOf(false), ...keysOf(true)]
const INTERLEAVED = BOTH.map((_, i) => BOTH[(i % 2) * 10 + (i >> 1)]!)
const TIMES = [1, 2, 3]
const valuesOf = (keys: readonly string[]): string[] => TIMES.flatMap((n) => keys.map((key) => `${key}#${n}`))
const recordsOf = (values: readonly string[]): EncodedRecord[] =>
  values.map((value) => record(value.split('#')[0]!, value))

/** Sends `values` in one aggregate by a map from before a split that nobody told of. */
async function sendThroughSplit(
  { fake, driver }: FakeConnection,
  values: readonly string[],
): Promise<Acknowledgement> {
  await driver.admin.createTopic({ name: 's' })
  const producer = await driver.openProducer({ clientId: 'test' })
  await producer.send('s', [record('first', 'first')])
  const stream = fake.stream('s')
  stream.split(stream.shards[0]!, HALF, fake.clock.now())
  fake.faults.add({ on: 'PutRecords', effect: { kind: 'delay', ms: 50, when: 'before' } })
  const before = fake.calls.count('PutRecords')
  const sent = producer.send('s', recordsOf(values))
  await eventually(() => fake.calls.count('PutRecords') > before, { what: 'the aggregate is on its way' })
  // Newer ones of the same keys, which wait for the others.
  const newer = producer.send('s', recordsOf(valuesOf(BOTH).map((value) => value.replace('#', '#later '))))
  const ack = await sent
  await newer
  return ack
}

const placesOf = (read: readonly Written[]): Map<string, string> =>
  new Map(read.map(({ partition, position, value }) => [`${partition} ${position}`, value]))
const acknowledgedIn = (read: readonly Written[], ack: Acknowledgement): (string | undefined)[] => {
  const places = placesOf(read)
  return Array.from({ length: ack.count }, (_, i) => places.get(`${ack.partition(i)} ${ack.position(i)}`))
}
const early = (read: readonly Written[]): Written[] =>
  read.filter(({ value }) => value.includes('#') && !value.includes('later'))

const parameters = { aggregate: 'true', lingerMs: '0' }

test('of an aggregate that its shard does not hold, all is written again: KCL reads each record once, where it was acknowledged', async () => {
  await using connection = await openOnFake({}, parameters)
  const values = valuesOf(BOTH)
  const ack = await sendThroughSplit(connection, values)
  const read = takenByKcl(connection.fake, 's')
  expect(acknowledgedIn(read, ack)).toEqual(values)
  expect(
    early(read)
      .map(({ value }) => value)
      .toSorted(),
  ).toEqual(values.toSorted())
  for (const key of BOTH) {
    const ofKey = read.filter((each) => each.key === key).map(({ value }) => value)
    expect(ofKey).toEqual([...TIMES.map((n) => `${key}#${n}`), ...TIMES.map((n) => `${key}#later ${n}`)])
  }
})

test('ours find there twice what lies in the child, in order, and before anything newer', async () => {
  await using connection = await openOnFake({}, parameters)
  const values = valuesOf(BOTH)
  const ack = await sendThroughSplit(connection, values)
  const read = writtenTo(connection.fake, 's')
  expect(acknowledgedIn(read, ack)).toEqual(values)
  const counts = BOTH.map((key) => {
    const ofKey = read.filter((each) => each.key === key).map(({ value }) => value)
    const once = TIMES.map((n) => `${key}#${n}`)
    const twice = ofKey.length === 9
    expect(ofKey).toEqual([...once, ...(twice ? once : []), ...TIMES.map((n) => `${key}#later ${n}`)])
    return twice
  })
  expect(counts.filter((twice) => twice)).toHaveLength(BOTH.length / 2)
})

test('with dedupe=true nobody sees the double: both writings carry the same numbers', async () => {
  await using connection = await openOnFake({}, { ...parameters, dedupe: 'true' })
  const values = valuesOf(BOTH)
  await sendThroughSplit(connection, values)
  expect(early(writtenTo(connection.fake, 's')).length).toBe(values.length * 1.5)
  const seen: string[] = []
  for (const { id } of connection.fake.stream('s').shards) {
    const reader = await connection.driver.openReader({
      topic: 's',
      partition: id,
      start: { from: 'earliest' },
      until: 'now',
    })
    const { signal } = new AbortController()
    for (let batch = await reader.next({ maxBytes: 1 << 20, signal }); batch !== null; ) {
      for (let i = 0; i < batch.count; i++) seen.push(Buffer.from(batch.value(i)!).toString())
      batch = await reader.next({ maxBytes: 1 << 20, signal })
    }
    await reader.close()
  }
  expect(seen.filter((value) => value.includes('#') && !value.includes('later')).toSorted()).toEqual(
    values.toSorted(),
  )
})

test('an aggregate that lies in the child as a whole stands where it landed, and is not written again', async () => {
  await using connection = await openOnFake({}, parameters)
  const values = valuesOf(keysOf(true))
  const ack = await sendThroughSplit(connection, values)
  const read = takenByKcl(connection.fake, 's')
  expect(acknowledgedIn(read, ack)).toEqual(values)
  expect(early(writtenTo(connection.fake, 's')).map(({ value }) => value)).toHaveLength(values.length)
})

test('what goes again of a key goes in one aggregate, and nothing newer beside it', async () => {
  await using connection = await openOnFake({ limits: 'off' }, parameters)
  // The first of the aggregates is refused a few times after the one that strayed, those beside it are not.
  connection.fake.faults.add({
    on: 'PutRecords',
    skip: 2,
    times: 5,
    effect: { kind: 'entries', code: 'InternalFailure', which: [0] },
  })
  const values = valuesOf(INTERLEAVED).map((value, i) => `${value}#${'.'.repeat(3_000 + i * 37)}`)
  const ack = await sendThroughSplit(connection, values)
  const read = takenByKcl(connection.fake, 's')
  expect(acknowledgedIn(read, ack)).toEqual(values)
  for (const key of BOTH) {
    const ofKey = read.filter((each) => each.key === key).map(({ value }) => value.split('#.')[0])
    expect(ofKey).toEqual([...TIMES.map((n) => `${key}#${n}`), ...TIMES.map((n) => `${key}#later ${n}`)])
  }
})
