import {
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis'
import { describe, expect, test } from 'vitest'
import { FakeStream, FIRST, NAME } from './fake-stream.ts'

const SECOND = 'shardId-000000000001'
const MAX = 2n ** 128n - 1n

const ids = (shards: { ShardId?: string | undefined }[]): string[] => shards.map(({ ShardId }) => ShardId!)

/** The open shards' ranges must cover all hashes, once. */
function expectWhole(shards: readonly Shard[]): void {
  const ranges = shards
    .map(({ HashKeyRange }) => [BigInt(HashKeyRange!.StartingHashKey!), BigInt(HashKeyRange!.EndingHashKey!)])
    .sort(([a], [b]) => (a! < b! ? -1 : 1))
  let next = 0n
  for (const [start, end] of ranges) {
    expect(start).toBe(next)
    next = end! + 1n
  }
  expect(next).toBe(MAX + 1n)
}

test('a split and a merge keep lineage, and children number above their parents', async () => {
  await using stream = await FakeStream.start()
  const before = await stream.put(['a'])
  await stream.client.send(
    new SplitShardCommand({ StreamName: NAME, ShardToSplit: FIRST, NewStartingHashKey: String(MAX / 2n) }),
  )
  const between = await stream.put(['b'])
  await stream.client.send(
    new MergeShardsCommand({
      StreamName: NAME,
      ShardToMerge: SECOND,
      AdjacentShardToMerge: 'shardId-000000000002',
    }),
  )
  const after = await stream.put(['c'])
  const numbers = [before, between, after].map(({ Records }) => Records![0]!.SequenceNumber!)
  expect(numbers).toEqual(numbers.toSorted())
  const shards = await stream.shards()
  expect(shards.map((s) => [s.ShardId, s.ParentShardId, s.AdjacentParentShardId])).toEqual([
    [FIRST, undefined, undefined],
    [SECOND, FIRST, undefined],
    ['shardId-000000000002', FIRST, undefined],
    ['shardId-000000000003', SECOND, 'shardId-000000000002'],
  ])
  for (const { SequenceNumberRange, ShardId } of shards) {
    expect(SequenceNumberRange!.EndingSequenceNumber === undefined).toBe(ShardId === 'shardId-000000000003')
  }
  expect(shards[0]!.SequenceNumberRange!.EndingSequenceNumber! > numbers[0]!).toBe(true)
  expectWhole(shards.slice(3))
})

test('the stream is UPDATING meanwhile, takes records, and refuses a second change', async () => {
  await using stream = await FakeStream.start({ settleMs: Number.POSITIVE_INFINITY })
  stream.fake.settle()
  const split = () =>
    stream.client.send(
      new SplitShardCommand({ StreamName: NAME, ShardToSplit: FIRST, NewStartingHashKey: '1000' }),
    )
  await split()
  expect(stream.fake.stream(NAME).status).toBe('UPDATING')
  expect((await stream.put(['a'])).Records![0]!.ShardId).toBe(FIRST)
  await expect(split()).rejects.toMatchObject({ name: 'ResourceInUseException' })
  stream.fake.settle()
  expect((await stream.put(['a'])).Records![0]!.ShardId).toBe(SECOND)
})

test.each([
  [4, 6],
  [4, 8],
  [6, 3],
  [5, 7],
  [3, 2],
])('UpdateShardCount from %i to %i gives even ranges', async (from, to) => {
  await using stream = await FakeStream.start({ shards: from })
  await stream.client.send(
    new UpdateShardCountCommand({
      StreamName: NAME,
      TargetShardCount: to,
      ScalingType: 'UNIFORM_SCALING',
    }),
  )
  const open = await stream.shards({ ShardFilter: { Type: 'AT_LATEST' } })
  expect(open.length).toBe(to)
  expectWhole(open)
  for (const { HashKeyRange } of open) {
    const size = BigInt(HashKeyRange!.EndingHashKey!) - BigInt(HashKeyRange!.StartingHashKey!) + 1n
    expect(Number(size - (MAX + 1n) / BigInt(to))).toBeLessThanOrEqual(1)
  }
  const all = await stream.shards()
  const known = new Set(ids(all))
  for (const { ParentShardId } of open.filter(({ ParentShardId }) => ParentShardId)) {
    expect(known.has(ParentShardId!)).toBe(true)
  }
})

test('UpdateShardCount refuses more than double, and less than half', async () => {
  await using stream = await FakeStream.start({ shards: 4 })
  for (const TargetShardCount of [9, 1]) {
    await expect(
      stream.client.send(
        new UpdateShardCountCommand({ StreamName: NAME, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidArgumentException' })
  }
})

test('a record without an explicit hash goes by the MD5 of its key', async () => {
  await using stream = await FakeStream.start({ shards: 2 })
  // MD5('a') begins with 0c, MD5('b') with 92.
  const put = async (PartitionKey: string) =>
    (
      await stream.client.send(
        new PutRecordCommand({ StreamName: NAME, Data: Buffer.from('x'), PartitionKey }),
      )
    ).ShardId
  expect([await put('a'), await put('b')]).toEqual([FIRST, SECOND])
})

describe('ListShards', () => {
  test('pages, by size of its own and by a thousand', async () => {
    await using stream = await FakeStream.start({ shards: 2_500 })
    const page = await stream.client.send(new ListShardsCommand({ StreamName: NAME, MaxResults: 7 }))
    expect(page.Shards!.length).toBe(7)
    const all = await stream.shards()
    expect(new Set(ids(all)).size).toBe(2_500)
    expect(ids(await stream.shards({ ExclusiveStartShardId: all[2_497]!.ShardId }))).toEqual(
      ids(all.slice(2_498)),
    )
    await expect(
      stream.client.send(new ListShardsCommand({ StreamName: NAME, NextToken: page.NextToken })),
    ).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    stream.fake.clock.offsetMs = 299_000
    await stream.client.send(new ListShardsCommand({ NextToken: page.NextToken }))
  })

  test('its tokens expire', async () => {
    await using stream = await FakeStream.start({ shards: 2, iteratorLifeMs: 1_000 })
    const { NextToken } = await stream.client.send(new ListShardsCommand({ StreamName: NAME, MaxResults: 1 }))
    stream.fake.clock.offsetMs = 1_500
    await expect(stream.client.send(new ListShardsCommand({ NextToken }))).rejects.toMatchObject({
      name: 'ExpiredNextTokenException',
    })
  })

  test('filters by time, by shard and by what is open', async () => {
    await using stream = await FakeStream.start()
    const { clock } = stream.fake
    clock.offsetMs = 2_000
    await stream.client.send(
      new SplitShardCommand({ StreamName: NAME, ShardToSplit: FIRST, NewStartingHashKey: '1000' }),
    )
    clock.offsetMs = 4_000
    const list = async (
      Type: 'AT_TRIM_HORIZON' | 'FROM_TRIM_HORIZON' | 'AT_LATEST' | 'AT_TIMESTAMP' | 'FROM_TIMESTAMP',
      Timestamp?: Date,
    ) => ids(await stream.shards({ ShardFilter: { Type, Timestamp } }))
    const children = [SECOND, 'shardId-000000000002']
    const splitAt = stream.fake.stream(NAME).shards[0]!.closedMs!
    expect(await list('AT_TRIM_HORIZON')).toEqual([FIRST])
    expect(await list('FROM_TRIM_HORIZON')).toEqual([FIRST, ...children])
    expect(await list('AT_LATEST')).toEqual(children)
    expect(await list('AT_TIMESTAMP', new Date(splitAt - 500))).toEqual([FIRST])
    expect(await list('AT_TIMESTAMP', new Date(splitAt + 500))).toEqual(children)
    expect(await list('FROM_TIMESTAMP', new Date(splitAt - 500))).toEqual([FIRST, ...children])
    expect(await list('FROM_TIMESTAMP', new Date(splitAt + 500))).toEqual(children)
    expect(ids(await stream.shards({ ShardFilter: { Type: 'AFTER_SHARD_ID', ShardId: SECOND } }))).toEqual(
      children.slice(1),
    )
  })
})
