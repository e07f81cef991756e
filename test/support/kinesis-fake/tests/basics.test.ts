import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand,
} from '@aws-sdk/client-kinesis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../conformance/eventually.ts'
import { type KinesisFake, startKinesisFake } from '../start-kinesis-fake.ts'
import { clientOf, type handlers } from './clients.ts'

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('the fake over %s', (handler: keyof typeof handlers) => {
  let fake: KinesisFake
  let client: KinesisClient

  beforeEach(async () => {
    fake = await startKinesisFake({ idleEventMs: 50 })
    client = clientOf(fake.endpoint, handler)
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }))
    await active(client)
  })

  afterEach(async () => {
    client.destroy()
    await fake.stop()
  })

  test('what is put is got', async () => {
    const Records = Array.from({ length: 20 }, (_, i) => ({
      Data: Buffer.from(`value ${i}`),
      PartitionKey: `key ${i}`,
    }))
    const put = await client.send(new PutRecordsCommand({ StreamName: 's', Records }))
    expect(put.FailedRecordCount).toBe(0)
    const got: string[] = []
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: 's' }))
    for (const { ShardId } of Shards) {
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      )
      const answer = await client.send(new GetRecordsCommand({ ShardIterator }))
      expect(answer.MillisBehindLatest).toBe(0)
      for (const { Data } of answer.Records ?? []) got.push(Buffer.from(Data!).toString())
    }
    expect(got.length).toBe(20)
    expect(got.toSorted()).toEqual(Records.map(({ Data }) => Data.toString()).toSorted())
  })

  test('a subscription gives records, idle events and the end of its shard', async () => {
    const { Consumer } = await client.send(
      new RegisterStreamConsumerCommand({ StreamARN: fake.stream('s').arn, ConsumerName: 'c' }),
    )
    await eventually(() => fake.stream('s').consumers.get('c')?.status === 'ACTIVE')
    const { EventStream } = await client.send(
      new SubscribeToShardCommand({
        ConsumerARN: Consumer!.ConsumerARN,
        ShardId: 'shardId-000000000000',
        StartingPosition: { Type: 'LATEST' },
      }),
    )
    const put = () =>
      client.send(
        new PutRecordsCommand({
          StreamName: 's',
          Records: [{ Data: Buffer.from('x'), PartitionKey: 'k', ExplicitHashKey: '0' }],
        }),
      )
    await put()
    const numbers: string[] = []
    let records = 0
    for await (const { SubscribeToShardEvent: event } of EventStream!) {
      records += event!.Records!.length
      if (event!.ContinuationSequenceNumber) numbers.push(event!.ContinuationSequenceNumber)
      if (event!.ContinuationSequenceNumber && numbers.length === 3) {
        await client.send(
          new SplitShardCommand({
            StreamName: 's',
            ShardToSplit: 'shardId-000000000000',
            NewStartingHashKey: '1000',
          }),
        )
      }
      if (event!.ChildShards?.length) {
        expect(event!.ContinuationSequenceNumber ?? undefined).toBeUndefined()
        expect(event!.ChildShards.map(({ ShardId }) => ShardId)).toEqual([
          'shardId-000000000002',
          'shardId-000000000003',
        ])
      }
    }
    expect(records).toBe(1)
    expect(numbers).toEqual(numbers.toSorted())
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})

const active = (client: KinesisClient) =>
  eventually(async () => {
    const { StreamDescriptionSummary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName: 's' }),
    )
    return StreamDescriptionSummary?.StreamStatus === 'ACTIVE'
  })
