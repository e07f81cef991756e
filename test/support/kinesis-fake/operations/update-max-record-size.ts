import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { inRange, required } from './required.ts'

export function updateMaxRecordSize(
  { service }: CallContext,
  input: StreamInput & { readonly MaxRecordSizeInKiB?: number },
): object {
  required(input, 'MaxRecordSizeInKiB')
  inRange('MaxRecordSizeInKiB', input.MaxRecordSizeInKiB, 1_024, 10_240)
  const stream = service.account.settledStream(input)
  service.account.change(stream, () => {
    stream.maxRecordKiB = input.MaxRecordSizeInKiB!
  })
  return {}
}
