import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'

export function updateStreamRecordDistributionStrategy(
  { service }: CallContext,
  input: StreamInput & { readonly RecordDistributionStrategy?: string },
): object {
  required(input, 'StreamARN', 'RecordDistributionStrategy')
  const stream = service.account.settledStream(input)
  service.account.change(stream, () => {
    stream.distribution = input.RecordDistributionStrategy
  })
  return {}
}
