import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { connect, type Streams, string, topic } from '../../../src/index.ts'
import { eventually } from '../../conformance/eventually.ts'
import { startKinesisFake } from '../../support/kinesis-fake/start-kinesis-fake.ts'
import { setCredentials } from './support/credentials.ts'
import { addressOf } from './support/fake-backend.ts'

const SHARDS = 4
const HOUR_MS = 3_600_000
/** Long enough for rates of some calls a second. */
const WINDOW_MS = 3_000
/** Both ends of the window may have a call of a shard. */
const EDGE = 1.15
/** Reads of a shard that rests come less and less often, until then. */
const CALM_MS = 3_000

const CALLS = [
  'GetRecords',
  'GetShardIterator',
  'SubscribeToShard',
  'ListShards',
  'DescribeStreamSummary',
  'DescribeStreamConsumer',
]
const orders = topic('orders', { value: string(), keySerde: string(), key: (value) => value })

/** Calls of a shard and hour that a group of one member makes, once it has all shards. */
async function ofAGroup(parameters: Record<string, string>, load: boolean): Promise<Record<string, number>> {
  await using fake = await startKinesisFake()
  const address = addressOf(fake, { leases: `memory:${fake.endpoint}`, ...parameters })
  await using streams = (await connect(address)) as unknown as Streams
  await streams.admin.createTopic({ name: orders.name, partitions: SHARDS })
  await using producer = streams.producer()
  let seen = 0
  const consumer = streams.consumer({ group: 'group', topics: [orders], from: 'earliest' })
  const running = consumer.run({ batch: (batch) => void (seen += batch.length) })
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
  await producer.sendBatch(orders, keys)
  await eventually(() => seen === keys.length, { withinMs: 30_000, what: 'all shards are read' })
  if (!load) await wait(CALM_MS)
  fake.calls.reset()
  const begun = performance.now()
  let sent = 0
  while (performance.now() - begun < WINDOW_MS) {
    if (load) {
      await producer.sendBatch(orders, keys)
      sent += keys.length
    }
    await wait(50)
  }
  const tookMs = performance.now() - begun
  const made = CALLS.map((call) => [call, (fake.calls.count(call) / SHARDS) * (HOUR_MS / tookMs)] as const)
  await eventually(() => seen === keys.length + sent, { withinMs: 30_000, what: 'what was sent is read' })
  await consumer.close()
  await running
  const counts = Object.fromEntries(made)
  console.log(
    `${load ? 'under load' : 'at rest'}, of a shard and hour: ${made.map(([call, count]) => `${call} ${Math.round(count)}`).join(', ')}`,
  )
  return counts
}

describe('what reading costs', () => {
  beforeAll(setCredentials)

  test('by polling: two calls a second at rest, five under load, and few others', async () => {
    const rest = await ofAGroup({}, false)
    expect(rest.GetRecords).toBeLessThanOrEqual(7_200 * EDGE)
    expect(rest.GetShardIterator! + rest.DescribeStreamSummary! + rest.SubscribeToShard!).toBe(0)
    const load = await ofAGroup({}, true)
    expect(load.GetRecords).toBeLessThanOrEqual(18_000 * EDGE)
    expect(load.GetShardIterator! + load.SubscribeToShard!).toBe(0)
  })

  test('by fan-out: no GetRecords at all', async () => {
    for (const load of [false, true]) {
      const { GetRecords, GetShardIterator, SubscribeToShard } = await ofAGroup({ fanout: 'app' }, load)
      expect(GetRecords! + GetShardIterator! + SubscribeToShard!).toBe(0)
    }
  })
})
