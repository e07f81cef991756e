import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import { readPageToken, writePageToken } from '../model/page-token.ts'
import type { Shard } from '../model/shard.ts'
import type { Stream } from '../model/stream.ts'
import type { CallContext } from '../service.ts'
import { inRange } from './required.ts'

interface ShardFilter {
  readonly Type?: string
  readonly ShardId?: string
  /** Seconds. */
  readonly Timestamp?: number
}

interface Page {
  readonly stream: string
  readonly after: string
  readonly filter: ShardFilter
}

export function listShards(
  { service }: CallContext,
  input: StreamInput & {
    readonly NextToken?: string
    readonly ExclusiveStartShardId?: string
    readonly MaxResults?: number
    readonly ShardFilter?: ShardFilter
  },
): object {
  const { NextToken, MaxResults = 1_000 } = input
  inRange('MaxResults', MaxResults, 1, 10_000)
  if (NextToken !== undefined && (input.StreamName ?? input.StreamARN ?? input.ExclusiveStartShardId)) {
    throw new ServiceError(
      'InvalidArgumentException',
      'NextToken and StreamName cannot be provided together.',
    )
  }
  const nowMs = service.clock.now()
  const token = NextToken === undefined ? undefined : readPageToken<Page>(NextToken, nowMs, service.settings)
  const stream = service.account.stream(token === undefined ? input : { StreamName: token.stream })
  const filter = token?.filter ?? input.ShardFilter ?? { Type: 'FROM_TRIM_HORIZON' }
  const after = token?.after ?? input.ExclusiveStartShardId ?? ''
  const horizonMs = stream.expire(nowMs)
  const fitting = stream.shards.filter((shard) => shard.id > after && fits(stream, shard, filter, horizonMs))
  const page = fitting.slice(0, Math.min(MaxResults, 1_000))
  return {
    Shards: page.map((shard) => shard.describe()),
    ...(page.length < fitting.length && {
      NextToken: writePageToken({ stream: stream.name, after: page.at(-1)!.id, filter }, nowMs),
    }),
  }
}

function fits(stream: Stream, shard: Shard, filter: ShardFilter, horizonMs: number): boolean {
  const openAt = (ms: number): boolean =>
    shard.openedMs <= ms && (shard.closedMs === undefined || shard.closedMs > ms)
  switch (filter.Type) {
    case 'FROM_TRIM_HORIZON':
      return true
    case 'AT_TRIM_HORIZON':
      return openAt(horizonMs)
    case 'AT_LATEST':
      return shard.closedMs === undefined
    case 'AFTER_SHARD_ID':
      if (filter.ShardId === undefined) throw lacking(filter.Type, 'ShardId', stream)
      return shard.id > filter.ShardId
    case 'AT_TIMESTAMP':
      if (filter.Timestamp === undefined) throw lacking(filter.Type, 'Timestamp', stream)
      return openAt(Math.max(horizonMs, filter.Timestamp * 1_000))
    case 'FROM_TIMESTAMP':
      if (filter.Timestamp === undefined) throw lacking(filter.Type, 'Timestamp', stream)
      return shard.closedMs === undefined || shard.closedMs >= filter.Timestamp * 1_000
    default:
      throw new ServiceError('ValidationException', `ShardFilter of Type ${filter.Type} is not known.`)
  }
}

const lacking = (type: string, what: string, stream: Stream): ServiceError =>
  new ServiceError('InvalidArgumentException', `${what} must be given with ${type} for ${stream.where}.`)
