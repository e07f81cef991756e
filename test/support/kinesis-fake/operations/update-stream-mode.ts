import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'

export function updateStreamMode(
  { service }: CallContext,
  input: StreamInput & { readonly StreamModeDetails?: { readonly StreamMode: 'PROVISIONED' | 'ON_DEMAND' } },
): object {
  required(input, 'StreamARN', 'StreamModeDetails')
  const stream = service.account.settledStream(input)
  service.account.change(stream, () => {
    stream.mode = input.StreamModeDetails!.StreamMode
  })
  return {}
}
