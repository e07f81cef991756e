import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'

export function mergeShards(
  { service }: CallContext,
  input: StreamInput & { readonly ShardToMerge?: string; readonly AdjacentShardToMerge?: string },
): object {
  required(input, 'ShardToMerge', 'AdjacentShardToMerge')
  const stream = service.account.settledStream(input)
  const shard = stream.shard(input.ShardToMerge!)
  const adjacent = stream.shard(input.AdjacentShardToMerge!)
  stream.checkMerge(shard, adjacent)
  service.account.change(stream, () => stream.merge(shard, adjacent, service.clock.now()))
  return {}
}
