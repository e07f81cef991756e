import type { CallContext } from '../service.ts'
import { inRange, required } from './required.ts'

export function createStream(
  { service }: CallContext,
  input: {
    readonly StreamName?: string
    readonly ShardCount?: number
    readonly StreamModeDetails?: { readonly StreamMode: 'PROVISIONED' | 'ON_DEMAND' }
    readonly MaxRecordSizeInKiB?: number
    readonly RecordDistributionStrategy?: string
    readonly Tags?: Readonly<Record<string, string>>
  },
): object {
  required(input, 'StreamName')
  const mode = input.StreamModeDetails?.StreamMode ?? 'PROVISIONED'
  if (mode === 'PROVISIONED') required(input, 'ShardCount')
  inRange('ShardCount', input.ShardCount, 1, 100_000)
  inRange('MaxRecordSizeInKiB', input.MaxRecordSizeInKiB, 1_024, 10_240)
  service.account.create(input.StreamName!, {
    shardCount: input.ShardCount ?? 4,
    mode,
    maxRecordKiB: input.MaxRecordSizeInKiB ?? 1_024,
    distribution: input.RecordDistributionStrategy,
    tags: input.Tags ?? {},
    nowMs: service.clock.now(),
  })
  return {}
}
