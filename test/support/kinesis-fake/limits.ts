const MiB = 1_048_576

/** What the service refuses beyond. `Infinity` turns one off. */
export interface Limits {
  /** Records in a PutRecords. Default: 500. */
  readonly recordsPerPut: number
  /** Bytes of data and keys in a PutRecords. Default: 10 MiB. */
  readonly bytesPerPut: number
  /** Bytes a second that a shard takes. Default: 1 MiB. */
  readonly shardWriteBytes: number
  /** Records a second that a shard takes. Default: 1,000. */
  readonly shardWriteRecords: number
  /** GetRecords calls a second on a shard. Default: 5. */
  readonly shardReadCalls: number
  /** Bytes a second that a shard gives to polling readers together. Default: 2 MiB. */
  readonly shardReadBytes: number
  /** Records in a GetRecords answer. Default: 10,000. */
  readonly recordsPerGet: number
  /** Bytes in a GetRecords answer. Default: 10 MiB. A full one throttles its shard for 5 s. */
  readonly bytesPerGet: number
  /** GetShardIterator calls a second on a shard. Default: 5. */
  readonly shardIteratorCalls: number
  /** Bytes a second that a subscription gives. Default: 2 MiB. */
  readonly subscriptionBytes: number
  /** Milliseconds after a successful SubscribeToShard in which the next one is refused. Default: 5,000. */
  readonly resubscribeMs: number
  /** Registered consumers of a stream. Default: 20. */
  readonly consumersPerStream: number
  /** Whether sizes of records (data and key) are held against the stream's MaxRecordSizeInKiB. Default: true. */
  readonly recordSize: boolean
  /** Whether UpdateShardCount refuses more than double and less than half. Default: true. */
  readonly shardCountSteps: boolean
  /** Calls a second by operation: of the account for Describe and List, of the stream for ListShards and changes of shards. */
  readonly calls: Readonly<Record<string, number>>
}

export const serviceLimits: Limits = {
  recordsPerPut: 500,
  bytesPerPut: 10 * MiB,
  shardWriteBytes: MiB,
  shardWriteRecords: 1_000,
  shardReadCalls: 5,
  shardReadBytes: 2 * MiB,
  recordsPerGet: 10_000,
  bytesPerGet: 10 * MiB,
  shardIteratorCalls: 5,
  subscriptionBytes: 2 * MiB,
  resubscribeMs: 5_000,
  consumersPerStream: 20,
  recordSize: true,
  shardCountSteps: true,
  calls: {
    CreateStream: 5,
    DeleteStream: 5,
    DescribeStream: 10,
    DescribeStreamSummary: 20,
    DescribeStreamConsumer: 20,
    ListStreams: 5,
    ListStreamConsumers: 5,
    ListShards: 1_000,
    ListTagsForStream: 5,
    SplitShard: 5,
    MergeShards: 5,
    RegisterStreamConsumer: 5,
    DeregisterStreamConsumer: 5,
  },
}

/** What stays where limits are off: the sizes of requests and answers, which clients are built for. */
export const noLimits: Limits = {
  ...serviceLimits,
  shardWriteBytes: Infinity,
  shardWriteRecords: Infinity,
  shardReadCalls: Infinity,
  shardReadBytes: Infinity,
  shardIteratorCalls: Infinity,
  subscriptionBytes: Infinity,
  resubscribeMs: 0,
  shardCountSteps: false,
  calls: {},
}
