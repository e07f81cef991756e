import { describe, expect, test } from 'vitest'
import { connect, string, topic } from '../../../src/index.ts'
import { eventually } from '../../conformance/eventually.ts'
import { startKinesisFake } from '../../support/kinesis-fake/start-kinesis-fake.ts'
import { addressOf, credentials } from './support/fake-backend.ts'
import { writtenTo } from './support/written.ts'

const VALUES = Array.from({ length: 20 }, (_, i) => `value ${i}`)
const LAST = 'last'

/** What a group is given of records whose answer was a 500 after they had been written. */
async function givenToGroup(parameters: Readonly<Record<string, string>>): Promise<string[]> {
  await using fake = await startKinesisFake({ limits: 'off' })
  const address = addressOf(fake, { leases: 'memory:dedupe', lingerMs: '0', ...parameters })
  await using streams = await connect(address, { credentials })
  const orders = topic('orders', { value: string(), keySerde: string() })
  await streams.admin.createTopic({ name: 'orders' })
  await using producer = streams.producer()
  const code = 'InternalFailureException'
  fake.faults.add({ on: 'PutRecords', effect: { kind: 'error', code, when: 'after' } })
  await producer.sendRecords(
    orders,
    VALUES.map((value, i) => ({ key: `k${i % 4}`, value })),
  )
  // By the same shard, so behind whatever was doubled.
  await producer.sendRecords(orders, [{ key: 'k0', value: LAST }])
  expect(writtenTo(fake, 'orders').length).toBeGreaterThan(VALUES.length + 1)
  const seen: string[] = []
  const consumer = streams.consumer({ group: 'billing', topics: [orders], from: 'earliest' })
  const running = consumer.run({ each: ({ value }) => void seen.push(value!) })
  await eventually(() => seen.includes(LAST), { what: 'all of it' })
  await consumer.close()
  await running
  return seen.filter((value) => value !== LAST)
}

describe.each([{}, { aggregate: 'true' }])('an answer that was lost, with %o', (parameters) => {
  test('brings a group some records twice', async () => {
    const seen = await givenToGroup(parameters)
    expect(new Set(seen)).toEqual(new Set(VALUES))
    expect(seen.length).toBeGreaterThan(VALUES.length)
  })

  test('brings a group each record once with dedupe=true', async () => {
    expect((await givenToGroup({ ...parameters, dedupe: 'true' })).toSorted()).toEqual(VALUES.toSorted())
  })
})
