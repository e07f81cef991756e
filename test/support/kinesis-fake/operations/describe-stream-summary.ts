import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'

export function describeStreamSummary({ service }: CallContext, input: StreamInput): object {
  const stream = service.account.stream(input)
  return {
    StreamDescriptionSummary: {
      StreamName: stream.name,
      StreamARN: stream.arn,
      StreamStatus: stream.status,
      StreamModeDetails: { StreamMode: stream.mode },
      RetentionPeriodHours: stream.retentionHours,
      StreamCreationTimestamp: Math.floor(stream.createdMs / 1_000),
      EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
      EncryptionType: 'NONE',
      OpenShardCount: stream.status === 'CREATING' ? 0 : stream.open.length,
      ConsumerCount: stream.consumers.size,
      MaxRecordSizeInKiB: stream.maxRecordKiB,
      ...(stream.distribution !== undefined && { RecordDistributionStrategy: stream.distribution }),
    },
  }
}
