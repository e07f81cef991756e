import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import {
  connect,
  deadLetter,
  deadLetterHeaders,
  json,
  park,
  redriveHeaders,
  type StreamRecord,
  topic,
} from '../../../../src/index.ts'
import type { ReplayRecord } from '../../../../src/tools/replay/options.ts'
import { redrive } from '../../../../src/tools/replay/redrive.ts'
import { replay } from '../../../../src/tools/replay.ts'

interface Order {
  readonly id: string
  readonly n: number
}

const orders = topic('orders', { value: json<Order>(), key: (order) => order.id })
type OrderRecord = StreamRecord<Order, string>

const streams = await connect('memory:')
afterAll(() => streams.close())
let dlq = 0
const dlqName = (): string => `orders.dlq${dlq}`

beforeEach(async () => {
  await streams.admin.deleteTopic('orders').catch(() => {})
  await streams.admin.createTopic({ name: 'orders', partitions: 2 })
  dlq++
  await streams.admin.createTopic({ name: dlqName(), partitions: 3 })
})

/** Runs a group until all that is there now is handled. */
async function consume(
  group: string,
  handle: (order: Order) => void,
  onPoison = deadLetter(dlqName()),
): Promise<OrderRecord[]> {
  const handled: OrderRecord[] = []
  const ended = new AbortController()
  const consumer = streams.consumer({ group, topics: [orders], signal: ended.signal })
  const running = consumer.run({
    each: (record) => {
      handle(record.value!)
      handled.push(record)
    },
    retry: { attempts: 1 },
    onPoison,
  })
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const { partitions } = await streams.groups.describeGroup(group).catch(() => ({ partitions: [] }))
    if (partitions.length === 2 && partitions.every(({ lag }) => lag.records === 0)) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  ended.abort()
  await running
  return handled
}

const send = async (...all: Order[]): Promise<void> => {
  await using producer = streams.producer()
  await producer.sendRecords(
    orders,
    all.map((value, i) => ({ value, timestamp: 1_000 + i, headers: { trace: `t${value.n}` } })),
  )
}

const failing = (order: Order): void => {
  if (order.n === 2) throw new Error('no such customer')
}

const numbers = (records: readonly OrderRecord[]): number[] => records.map(({ value }) => value!.n)

describe('dead letters', () => {
  test('go back to their origin as they were', async () => {
    await send({ id: 'a', n: 1 }, { id: 'a', n: 2 }, { id: 'b', n: 3 })
    await consume('billing', failing)
    const report = await replay({ streams, topic: dlqName() }, { streams, topic: 'orders' })
    expect(report).toMatchObject({ records: 1, redriven: 1 })
    const again = await consume('billing', () => {})
    expect(numbers(again)).toEqual([2])
    expect(again[0]).toMatchObject({ key: 'a', timestamp: 1_001, value: { id: 'a', n: 2 } })
    expect(again[0]!.headers.map(({ name, value }) => [name, Buffer.from(value!).toString()])).toEqual([
      ['trace', 't2'],
    ])
  })

  test('go to the group alone that failed, when asked', async () => {
    await send({ id: 'a', n: 1 }, { id: 'a', n: 2 })
    await consume('billing', failing)
    expect(numbers(await consume('shipping', () => {}))).toEqual([1, 2])
    await replay({ streams, topic: dlqName() }, { streams, topic: 'orders' }, { groupOnly: true })
    expect(numbers(await consume('billing', () => {}))).toEqual([2])
    expect(numbers(await consume('shipping', () => {}))).toEqual([])
  })

  test('of a parked key come back in order, before what came later', async () => {
    await send({ id: 'a', n: 1 }, { id: 'a', n: 2 }, { id: 'b', n: 3 }, { id: 'a', n: 4 }, { id: 'a', n: 5 })
    expect(numbers(await consume('billing', failing, park(dlqName()))).sort()).toEqual([1, 3])
    await replay({ streams, topic: dlqName() }, { streams, topic: 'orders' })
    await send({ id: 'a', n: 6 })
    expect(numbers(await consume('billing', () => {}, park(dlqName())))).toEqual([2, 4, 5, 6])
  })

  test('go to their origin alone', async () => {
    await send({ id: 'a', n: 2 })
    await consume('billing', failing)
    await streams.admin.createTopic({ name: `other${dlq}`, partitions: 1 })
    await expect(
      replay({ streams, topic: dlqName() }, { streams, topic: `other${dlq}` }),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/came from topic "orders", not "other\d+".*--raw/),
    })
    const raw = await replay({ streams, topic: dlqName() }, { streams, topic: `other${dlq}` }, { raw: true })
    expect(raw).toMatchObject({ records: 1, redriven: 0 })
    for await (const record of streams.read(`other${dlq}`, { until: 'now' }).records()) {
      expect(record.header(deadLetterHeaders.topic)).toBe('orders')
    }
  })
})

test('a record that failed again after a redrive carries the newest marks alone', () => {
  const header = (name: string, value: string) => ({ name, value: Buffer.from(value) })
  const record: ReplayRecord = {
    partition: '0',
    position: '7',
    key: null,
    value: null,
    timestamp: 5,
    targetPartition: undefined,
    headers: [
      header('own', 'x'),
      header(redriveHeaders.only, 'old'),
      header(redriveHeaders.parked, 'old'),
      header(deadLetterHeaders.topic, 'orders'),
      header(deadLetterHeaders.group, 'billing'),
      header(deadLetterHeaders.timestamp, '99'),
      header(deadLetterHeaders.parked, '{"seq":1}'),
    ],
  }
  const sent = redrive(record, 'orders', { groupOnly: true })
  expect(sent.timestamp).toBe(99)
  expect(sent.headers.map(({ name, value }) => [name, Buffer.from(value!).toString()])).toEqual([
    ['own', 'x'],
    [redriveHeaders.parked, '{"seq":1}'],
    [redriveHeaders.only, 'billing'],
  ])
})
