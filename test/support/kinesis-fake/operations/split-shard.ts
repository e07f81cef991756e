import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'

export function splitShard(
  { service }: CallContext,
  input: StreamInput & { readonly ShardToSplit?: string; readonly NewStartingHashKey?: string },
): object {
  required(input, 'ShardToSplit', 'NewStartingHashKey')
  const stream = service.account.settledStream(input)
  const at = BigInt(input.NewStartingHashKey!)
  stream.checkSplit(stream.shard(input.ShardToSplit!), at)
  service.account.change(stream, () =>
    stream.split(stream.shard(input.ShardToSplit!), at, service.clock.now()),
  )
  return {}
}
