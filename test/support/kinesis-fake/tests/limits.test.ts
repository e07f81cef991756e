import { PutRecordCommand, PutRecordsCommand, UpdateMaxRecordSizeCommand } from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { FakeStream, NAME } from './fake-stream.ts'

const MiB = 1_048_576
const throttled = { name: 'ProvisionedThroughputExceededException', $metadata: { httpStatusCode: 400 } }

test('a shard takes 1,000 records a second, and the entries beyond fail each for itself', async () => {
  await using stream = await FakeStream.start({ shards: 2 })
  stream.fake.clock.hold()
  const values = Array.from({ length: 500 }, (_, i) => `${i}`)
  const failed: number[] = []
  for (let i = 0; i < 4; i++) failed.push((await stream.put(values)).FailedRecordCount!)
  expect(failed).toEqual([0, 0, 500, 500])
  stream.fake.clock.pass(100)
  const answer = await stream.put(values)
  expect(answer.FailedRecordCount).toBe(400)
  const refused = answer.Records!.filter(({ ErrorCode }) => ErrorCode !== undefined)
  expect(refused.length).toBe(answer.FailedRecordCount)
  expect(refused[0]).toEqual({
    ErrorCode: 'ProvisionedThroughputExceededException',
    ErrorMessage: `Rate exceeded for shard shardId-000000000000 in stream ${NAME} under account 000000000000.`,
  })
  // The other shard has its own rate.
  expect((await stream.put(values, String(2n ** 127n))).FailedRecordCount).toBe(0)
})

test('a shard takes 1 MiB a second', async () => {
  await using stream = await FakeStream.start()
  stream.fake.clock.hold()
  const half = 'x'.repeat(MiB / 2 - 100)
  expect((await stream.put([half, half])).FailedRecordCount).toBe(0)
  expect((await stream.put([half])).FailedRecordCount).toBe(1)
  await expect(
    stream.client.send(
      new PutRecordCommand({ StreamName: NAME, Data: Buffer.from(half), PartitionKey: 'key' }),
    ),
  ).rejects.toMatchObject(throttled)
})

test('501 records, 10 MiB and records above the size of the stream are refused whole', async () => {
  await using stream = await FakeStream.start({ limits: { shardWriteBytes: Number.POSITIVE_INFINITY } })
  await expect(stream.put(Array(501).fill('x'))).rejects.toMatchObject({ name: 'ValidationException' })
  await expect(stream.put(Array(11).fill('x'.repeat(MiB - 3)))).rejects.toMatchObject({
    name: 'InvalidArgumentException',
  })
  await expect(stream.put(['x'.repeat(MiB - 2)])).rejects.toMatchObject({ name: 'ValidationException' })
  expect((await stream.put(['x'.repeat(MiB - 3)])).FailedRecordCount).toBe(0)
  await stream.client.send(
    new UpdateMaxRecordSizeCommand({
      StreamARN: stream.fake.stream(NAME).arn,
      MaxRecordSizeInKiB: 2_048,
    }),
  )
  expect((await stream.put(['x'.repeat(2 * MiB - 3)])).FailedRecordCount).toBe(0)
})

test('a shard answers five GetRecords a second, and five GetShardIterators', async () => {
  await using stream = await FakeStream.start()
  stream.fake.clock.hold()
  const iterator = await stream.iterator()
  const calls = await Promise.allSettled(Array.from({ length: 8 }, () => stream.get(iterator)))
  expect(calls.filter(({ status }) => status === 'fulfilled').length).toBe(5)
  expect(calls.find(({ status }) => status === 'rejected')).toMatchObject({ reason: throttled })
  stream.fake.clock.pass(200)
  await stream.get(iterator)
  await expect(Promise.all(Array.from({ length: 6 }, () => stream.iterator()))).rejects.toMatchObject(
    throttled,
  )
})

test('a full answer of 10 MiB closes its shard to readers for 5 s', async () => {
  await using stream = await FakeStream.start({ limits: { shardWriteBytes: Number.POSITIVE_INFINITY } })
  for (let i = 0; i < 11; i++) await stream.put(['x'.repeat(MiB - 3)])
  stream.fake.clock.hold()
  const { Records, NextShardIterator, MillisBehindLatest } = await stream.get(await stream.iterator())
  expect(Records!.length).toBe(10)
  expect(MillisBehindLatest).toBeGreaterThanOrEqual(0)
  await expect(stream.get(NextShardIterator!)).rejects.toMatchObject(throttled)
  stream.fake.clock.pass(4_900)
  await expect(stream.get(NextShardIterator!)).rejects.toMatchObject(throttled)
  stream.fake.clock.pass(200)
  const next = await stream.get(NextShardIterator!)
  expect(next.Records!.length).toBe(1)
})

test('limits can be off, all but those of one request', async () => {
  await using stream = await FakeStream.start({ limits: 'off' })
  const iterator = await stream.iterator()
  for (let i = 0; i < 10; i++) {
    expect((await stream.put(Array(500).fill('x'))).FailedRecordCount).toBe(0)
    await stream.get(iterator)
  }
  await expect(
    stream.client.send(
      new PutRecordsCommand({
        StreamName: NAME,
        Records: Array(501).fill({ Data: Buffer.from('x'), PartitionKey: 'key' }),
      }),
    ),
  ).rejects.toMatchObject({ name: 'ValidationException' })
})
