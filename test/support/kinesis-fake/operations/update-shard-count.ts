import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { inRange, required } from './required.ts'

export function updateShardCount(
  { service }: CallContext,
  input: StreamInput & { readonly TargetShardCount?: number; readonly ScalingType?: string },
): object {
  required(input, 'TargetShardCount', 'ScalingType')
  inRange('TargetShardCount', input.TargetShardCount, 1, 100_000)
  const target = input.TargetShardCount!
  const stream = service.account.settledStream(input)
  const current = stream.open.length
  if (service.settings.limits.shardCountSteps && (target > current * 2 || target < current / 2)) {
    throw new ServiceError(
      'InvalidArgumentException',
      `UpdateShardCount cannot scale ${target > current * 2 ? 'up over double' : 'down below half'} your current open shard count. Current open shard count: ${current} Target shard count: ${target}`,
    )
  }
  service.account.change(stream, () => stream.scaleTo(target, service.clock.now()))
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    CurrentShardCount: current,
    TargetShardCount: target,
  }
}
