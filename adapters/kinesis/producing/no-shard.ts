import { StreamError } from '../../../src/driver.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'

/** Why a shard that a caller chose takes nothing. */
export function noShard(map: ShardMap, partition: string): StreamError {
  const { stream } = map
  const shard = map.shard(partition)
  const options = { topic: stream, partition }
  if (shard === undefined) {
    return new StreamError(
      'NOT_FOUND',
      `stream '${stream}' has no shard '${partition}': describe it for those it has, or let the key decide`,
      options,
    )
  }
  return new StreamError(
    'INVALID_ARGUMENT',
    `shard '${partition}' of '${stream}' has ended: send to one of its children (${shard.children.join(', ')}), or let the key decide`,
    options,
  )
}
