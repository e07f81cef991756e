import type { Call } from '../../aws-faults/faults.ts'
import { streamOfArn } from '../model/account.ts'
import { readIterator } from '../model/shard-iterator.ts'
import { type Entry, routeEntry } from '../operations/route-entry.ts'
import type { Service } from '../service.ts'

interface AnyInput extends Entry {
  readonly StreamName?: string
  readonly StreamARN?: string
  readonly ConsumerARN?: string
  readonly ShardIterator?: string
  readonly ShardId?: string
  readonly ShardToSplit?: string
  readonly ShardToMerge?: string
  readonly Records?: readonly Entry[]
}

export interface KinesisCall extends Call {
  /** Of a call that is about one alone. */
  readonly shard: string | undefined
  readonly shards: () => readonly string[]
}

/** What a call is about, for counters and faults; never throws. */
export function callOf(service: Service, operation: string, input: AnyInput): KinesisCall {
  const iterator = quietly(() => input.ShardIterator && readIterator(input.ShardIterator)) || undefined
  const stream =
    input.StreamName ?? streamOfArn(input.StreamARN) ?? streamOfArn(input.ConsumerARN) ?? iterator?.stream
  const shard = iterator?.shard ?? input.ShardId ?? input.ShardToSplit ?? input.ShardToMerge
  return {
    operation,
    stream,
    shard,
    shards() {
      if (shard !== undefined) return [shard]
      const routed = service.account.streams.get(stream ?? '')
      if (routed === undefined) return []
      const entries = input.Records ?? [input]
      return quietly(() => entries.map((entry) => routeEntry(routed, entry).id)) ?? []
    },
  }
}

function quietly<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch {
    return undefined
  }
}
