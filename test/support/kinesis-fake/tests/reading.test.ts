import {
  DecreaseStreamRetentionPeriodCommand,
  GetRecordsCommand,
  IncreaseStreamRetentionPeriodCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { eventually } from '../../../conformance/eventually.ts'
import { FakeStream, FIRST, NAME, texts } from './fake-stream.ts'

test('sequence numbers have 56 digits, grow, and are sparse', async () => {
  await using stream = await FakeStream.start()
  const { Records = [] } = await stream.put(Array(50).fill('x'))
  const numbers = Records.map(({ SequenceNumber }) => SequenceNumber!)
  for (const number of numbers) expect(number).toMatch(/^49\d{54}$/)
  expect(numbers).toEqual(numbers.toSorted())
  const [first, second] = numbers.map(BigInt)
  expect(second! - first!).toBeGreaterThan(1n)
})

test('the five kinds of iterators', async () => {
  await using stream = await FakeStream.start({ limits: 'off' })
  const { Records = [] } = await stream.put(['a', 'b', 'c'])
  const number = Records[1]!.SequenceNumber
  expect(await stream.read(FIRST, { ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['a', 'b', 'c'])
  expect(await stream.read(FIRST, { ShardIteratorType: 'LATEST' })).toEqual([])
  const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: number } as const
  expect(await stream.read(FIRST, at)).toEqual(['b', 'c'])
  expect(await stream.read(FIRST, { ...at, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' })).toEqual(['c'])

  const latest = await stream.iterator(FIRST, { ShardIteratorType: 'LATEST' })
  const Timestamp = new Date(stream.fake.stream(NAME).shards[0]!.records().at(-1)!.arrivalMs + 1)
  await eventually(() => Date.now() > Timestamp.getTime())
  await stream.put(['d'])
  expect(texts(await stream.get(latest))).toEqual(['d'])
  expect(await stream.read(FIRST, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp })).toEqual(['d'])
  expect(await stream.read(FIRST, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(0) })).toEqual([
    'a',
    'b',
    'c',
    'd',
  ])
})

test('numbers of no record, of another shard and of the future are refused', async () => {
  await using stream = await FakeStream.start({ shards: 2, limits: 'off' })
  const { Records = [] } = await stream.put(['a'])
  const ask = (StartingSequenceNumber: string, shard = FIRST) =>
    stream.iterator(shard, { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber })
  await expect(ask('12')).rejects.toMatchObject({ name: 'InvalidArgumentException' })
  await expect(ask('x')).rejects.toMatchObject({ name: 'ValidationException' })
  await expect(ask(Records[0]!.SequenceNumber!, 'shardId-000000000001')).rejects.toMatchObject({
    name: 'InvalidArgumentException',
  })
  await expect(ask('12', 'shardId-000000000009')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  })
  await expect(
    stream.iterator(FIRST, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(Date.now() + 60_000) }),
  ).rejects.toMatchObject({ name: 'InvalidArgumentException' })
  await expect(
    stream.client.send(new GetRecordsCommand({ ShardIterator: 'nonsense' })),
  ).rejects.toMatchObject({ name: 'InvalidArgumentException' })
})

test('Limit pages, and MillisBehindLatest says how far behind that leaves', async () => {
  await using stream = await FakeStream.start()
  await stream.put(['a', 'b', 'c'])
  stream.fake.clock.offsetMs = 10_000
  const first = await stream.get(await stream.iterator(), 2)
  expect(texts(first)).toEqual(['a', 'b'])
  expect(first.MillisBehindLatest).toBeGreaterThanOrEqual(10_000)
  const second = await stream.get(first.NextShardIterator!)
  expect(texts(second)).toEqual(['c'])
  expect(second.MillisBehindLatest).toBe(0)
})

test('iterators expire', async () => {
  await using stream = await FakeStream.start({ iteratorLifeMs: 60_000 })
  const iterator = await stream.iterator()
  stream.fake.clock.offsetMs = 60_001
  await expect(stream.get(iterator)).rejects.toMatchObject({ name: 'ExpiredIteratorException' })
})

test('a closed shard ends by a null iterator and its children', async () => {
  await using stream = await FakeStream.start()
  await stream.put(['a'])
  const iterator = await stream.iterator()
  await stream.client.send(
    new SplitShardCommand({ StreamName: NAME, ShardToSplit: FIRST, NewStartingHashKey: '1000' }),
  )
  const answer = await stream.get(iterator)
  expect(texts(answer)).toEqual(['a'])
  expect(answer.NextShardIterator ?? undefined).toBeUndefined()
  expect(answer.ChildShards).toEqual([
    {
      ShardId: 'shardId-000000000001',
      ParentShards: [FIRST],
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: '999' },
    },
    {
      ShardId: 'shardId-000000000002',
      ParentShards: [FIRST],
      HashKeyRange: { StartingHashKey: '1000', EndingHashKey: String(2n ** 128n - 1n) },
    },
  ])
})

test('what is trimmed is passed over in silence', async () => {
  await using stream = await FakeStream.start({ limits: 'off' })
  const { Records = [] } = await stream.put(['a', 'b', 'c'])
  const iterator = await stream.iterator()
  const [first, , third] = Records.map(({ SequenceNumber }) => SequenceNumber!)
  stream.fake.trim(NAME, { shard: FIRST, toNumber: third! })
  expect(texts(await stream.get(iterator))).toEqual(['c'])
  expect(
    await stream.read(FIRST, { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: first }),
  ).toEqual(['c'])
  stream.fake.trim(NAME)
  expect(texts(await stream.get(iterator))).toEqual([])
  await stream.put(['d'])
  expect(texts(await stream.get(iterator))).toEqual(['d'])
})

test('retention ends as the clock goes on, and takes closed shards with it', async () => {
  await using stream = await FakeStream.start({ limits: 'off', clockSkewMs: Number.POSITIVE_INFINITY })
  await stream.put(['a'])
  await stream.client.send(
    new SplitShardCommand({ StreamName: NAME, ShardToSplit: FIRST, NewStartingHashKey: '1000' }),
  )
  await stream.client.send(
    new IncreaseStreamRetentionPeriodCommand({ StreamName: NAME, RetentionPeriodHours: 48 }),
  )
  stream.fake.clock.offsetMs = 25 * 3_600_000
  expect(await stream.read()).toEqual(['a'])
  expect((await stream.shards()).length).toBe(3)
  await stream.client.send(
    new DecreaseStreamRetentionPeriodCommand({ StreamName: NAME, RetentionPeriodHours: 24 }),
  )
  expect((await stream.shards()).map(({ ShardId }) => ShardId)).toEqual([
    'shardId-000000000001',
    'shardId-000000000002',
  ])
  await expect(stream.read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})
