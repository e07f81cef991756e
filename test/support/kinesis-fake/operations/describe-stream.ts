import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { inRange } from './required.ts'

export function describeStream(
  { service }: CallContext,
  input: StreamInput & { readonly Limit?: number; readonly ExclusiveStartShardId?: string },
): object {
  const { Limit = 100, ExclusiveStartShardId = '' } = input
  inRange('Limit', Limit, 1, 10_000)
  const stream = service.account.stream(input)
  stream.expire(service.clock.now())
  const shards =
    stream.status === 'CREATING' ? [] : stream.shards.filter(({ id }) => id > ExclusiveStartShardId)
  const page = shards.slice(0, Math.min(Limit, 100))
  return {
    StreamDescription: {
      StreamName: stream.name,
      StreamARN: stream.arn,
      StreamStatus: stream.status,
      StreamModeDetails: { StreamMode: stream.mode },
      Shards: page.map((shard) => shard.describe()),
      HasMoreShards: page.length < shards.length,
      RetentionPeriodHours: stream.retentionHours,
      StreamCreationTimestamp: Math.floor(stream.createdMs / 1_000),
      EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
      EncryptionType: 'NONE',
      KeyId: null,
    },
  }
}
