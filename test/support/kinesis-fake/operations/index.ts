import type { CallContext } from '../service.ts'
import { createStream } from './create-stream.ts'
import { deleteStream } from './delete-stream.ts'
import { deregisterStreamConsumer } from './deregister-stream-consumer.ts'
import { describeLimits } from './describe-limits.ts'
import { describeStream } from './describe-stream.ts'
import { describeStreamConsumer } from './describe-stream-consumer.ts'
import { describeStreamSummary } from './describe-stream-summary.ts'
import { getRecords } from './get-records.ts'
import { getShardIterator } from './get-shard-iterator.ts'
import { listShards } from './list-shards.ts'
import { listStreamConsumers } from './list-stream-consumers.ts'
import { listStreams } from './list-streams.ts'
import { listTagsForStream } from './list-tags-for-stream.ts'
import { mergeShards } from './merge-shards.ts'
import { putRecord } from './put-record.ts'
import { putRecords } from './put-records.ts'
import { registerStreamConsumer } from './register-stream-consumer.ts'
import { decreaseRetention, increaseRetention } from './retention-period.ts'
import { splitShard } from './split-shard.ts'
import { type EventAnswer, subscribeToShard } from './subscribe-to-shard.ts'
import { updateMaxRecordSize } from './update-max-record-size.ts'
import { updateShardCount } from './update-shard-count.ts'
import { updateStreamMode } from './update-stream-mode.ts'
import { updateStreamRecordDistributionStrategy } from './update-stream-record-distribution-strategy.ts'

/** Takes the parsed body; gives the body of the answer, or throws a ServiceError. */
export type Operation = (context: CallContext, input: never) => object | EventAnswer

/** By the name after `Kinesis_20131202.` */
export const operations: Readonly<Record<string, Operation>> = {
  CreateStream: createStream,
  DecreaseStreamRetentionPeriod: decreaseRetention,
  DeleteStream: deleteStream,
  DeregisterStreamConsumer: deregisterStreamConsumer,
  DescribeLimits: describeLimits,
  DescribeStream: describeStream,
  DescribeStreamConsumer: describeStreamConsumer,
  DescribeStreamSummary: describeStreamSummary,
  GetRecords: getRecords,
  GetShardIterator: getShardIterator,
  IncreaseStreamRetentionPeriod: increaseRetention,
  ListShards: listShards,
  ListStreamConsumers: listStreamConsumers,
  ListStreams: listStreams,
  ListTagsForStream: listTagsForStream,
  MergeShards: mergeShards,
  PutRecord: putRecord,
  PutRecords: putRecords,
  RegisterStreamConsumer: registerStreamConsumer,
  SplitShard: splitShard,
  SubscribeToShard: subscribeToShard,
  UpdateMaxRecordSize: updateMaxRecordSize,
  UpdateShardCount: updateShardCount,
  UpdateStreamMode: updateStreamMode,
  UpdateStreamRecordDistributionStrategy: updateStreamRecordDistributionStrategy,
}
