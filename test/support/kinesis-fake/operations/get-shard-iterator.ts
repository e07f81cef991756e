import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import { writeIterator } from '../model/shard-iterator.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'
import { startPlace } from './start-place.ts'

export function getShardIterator(
  { service }: CallContext,
  input: StreamInput & {
    readonly ShardId?: string
    readonly ShardIteratorType?: string
    readonly StartingSequenceNumber?: string
    readonly Timestamp?: number
  },
): object {
  required(input, 'ShardId', 'ShardIteratorType')
  const stream = service.account.servingStream(input)
  const nowMs = service.clock.now()
  stream.expire(nowMs)
  const shard = stream.shard(input.ShardId!)
  if (!shard.iteratorCalls.take(1)) {
    throw new ServiceError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard ${shard.id} in ${stream.where}.`,
    )
  }
  const start = {
    type: input.ShardIteratorType!,
    number: input.StartingSequenceNumber,
    timestamp: input.Timestamp,
  }
  return {
    ShardIterator: writeIterator({
      stream: stream.name,
      createdMs: stream.createdMs,
      shard: shard.id,
      place: startPlace(stream, shard, start, nowMs),
      issuedMs: nowMs,
    }),
  }
}
