import { eventually } from '../../../conformance/eventually.ts'
import { type RawAnswer, rawCall } from './raw-call.ts'

export interface ScriptedCall extends RawAnswer {
  /** What it shows, unlike all others of the script. */
  readonly name: string
  readonly operation: string
}

/** The same calls for every endpoint: each operation that the fake has but SubscribeToShard, and what is refused. */
export async function scriptedCalls(endpoint: string, stream: string): Promise<ScriptedCall[]> {
  const calls: ScriptedCall[] = []
  const call = async (name: string, operation: string, input: object): Promise<Record<string, unknown>> => {
    const answer = await rawCall(endpoint, operation, input)
    calls.push({ name, operation, ...answer })
    return answer.body as Record<string, unknown>
  }
  const summary = async (StreamName: string): Promise<Record<string, unknown> | undefined> =>
    (await rawCall(endpoint, 'DescribeStreamSummary', { StreamName })).body.StreamDescriptionSummary as never
  const active = (StreamName = stream) =>
    eventually(async () => (await summary(StreamName))?.StreamStatus === 'ACTIVE', { withinMs: 20_000 })

  const here = { StreamName: stream }
  await call('create', 'CreateStream', { ...here, ShardCount: 2 })
  await call('create again', 'CreateStream', { ...here, ShardCount: 2 })
  await active()
  const { StreamARN } = (await summary(stream))!
  await call('describe', 'DescribeStream', here)
  await call('summary', 'DescribeStreamSummary', here)
  await call('describe by ARN', 'DescribeStreamSummary', { StreamARN })
  await call('unknown stream', 'DescribeStreamSummary', { StreamName: `${stream}-none` })
  await call('list streams', 'ListStreams', {})
  await call('limits', 'DescribeLimits', {})
  await call('tags', 'ListTagsForStream', here)
  const first = 'shardId-000000000000'
  await call('put', 'PutRecord', { ...here, Data: 'YQ==', PartitionKey: 'a', ExplicitHashKey: '0' })
  await call('put without key', 'PutRecord', { ...here, Data: 'YQ==' })
  const Records = ['YQ==', 'Yg==', 'Yw=='].map((Data) => ({ Data, PartitionKey: 'a', ExplicitHashKey: '0' }))
  const put = await call('put many', 'PutRecords', { ...here, Records })
  await call('put to unknown', 'PutRecords', { StreamName: `${stream}-none`, Records })
  const SequenceNumber = (put.Records as { SequenceNumber: string }[])[0]!.SequenceNumber
  const position = { ...here, ShardId: first }
  for (const [ShardIteratorType, more] of [
    ['TRIM_HORIZON', {}],
    ['LATEST', {}],
    ['AT_SEQUENCE_NUMBER', { StartingSequenceNumber: SequenceNumber }],
    ['AFTER_SEQUENCE_NUMBER', { StartingSequenceNumber: SequenceNumber }],
    ['AT_TIMESTAMP', { Timestamp: Date.now() / 1_000 - 60 }],
  ] as const) {
    const input = { ...position, ShardIteratorType, ...more }
    const { ShardIterator } = await call(`iterator ${ShardIteratorType}`, 'GetShardIterator', input)
    await call(`get ${ShardIteratorType}`, 'GetRecords', { ShardIterator })
  }
  await call('iterator of unknown shard', 'GetShardIterator', {
    ...here,
    ShardId: 'shardId-000000000099',
    ShardIteratorType: 'LATEST',
  })
  await call('get by nonsense', 'GetRecords', { ShardIterator: 'nonsense' })
  await call('list shards', 'ListShards', here)
  const page = await call('first page of shards', 'ListShards', { ...here, MaxResults: 1 })
  await call('second page of shards', 'ListShards', { NextToken: page.NextToken })
  await call('open shards', 'ListShards', { ...here, ShardFilter: { Type: 'AT_LATEST' } })

  const registered = await call('register', 'RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' })
  const { ConsumerARN } = registered.Consumer as { ConsumerARN: string }
  await call('register again', 'RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' })
  await call('describe consumer', 'DescribeStreamConsumer', { ConsumerARN })
  await call('describe consumer by name', 'DescribeStreamConsumer', { StreamARN, ConsumerName: 'c' })
  await call('describe unknown consumer', 'DescribeStreamConsumer', { StreamARN, ConsumerName: 'none' })
  await call('list consumers', 'ListStreamConsumers', { StreamARN })
  await call('deregister', 'DeregisterStreamConsumer', { ConsumerARN })

  await call('more retention', 'IncreaseStreamRetentionPeriod', { ...here, RetentionPeriodHours: 48 })
  await active()
  await call('less retention', 'DecreaseStreamRetentionPeriod', { ...here, RetentionPeriodHours: 24 })
  await active()
  const split = { ...here, ShardToSplit: first, NewStartingHashKey: '1000' }
  await call('split', 'SplitShard', split)
  await active()
  await call('split again', 'SplitShard', split)
  const end = await rawCall(endpoint, 'GetShardIterator', { ...position, ShardIteratorType: 'TRIM_HORIZON' })
  await call('get to the end', 'GetRecords', { ShardIterator: end.body.ShardIterator })
  await call('shards after a split', 'ListShards', here)
  await call('merge', 'MergeShards', {
    ...here,
    ShardToMerge: 'shardId-000000000002',
    AdjacentShardToMerge: 'shardId-000000000003',
  })
  await active()
  await call('shards after a merge', 'ListShards', here)
  await call('update count', 'UpdateShardCount', {
    ...here,
    TargetShardCount: 4,
    ScalingType: 'UNIFORM_SCALING',
  })
  await active()
  await call('mode', 'UpdateStreamMode', { StreamARN, StreamModeDetails: { StreamMode: 'ON_DEMAND' } })
  await active()
  await call('max record size', 'UpdateMaxRecordSize', { StreamARN, MaxRecordSizeInKiB: 2_048 })
  await active()
  await call('distribution', 'UpdateStreamRecordDistributionStrategy', {
    StreamARN,
    RecordDistributionStrategy: 'AUTO',
  })
  await active()
  await call('summary at last', 'DescribeStreamSummary', here)
  await call('delete', 'DeleteStream', { ...here, EnforceConsumerDeletion: true })
  return calls
}
