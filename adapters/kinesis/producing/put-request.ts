import { aggregateOfOneBytes, beginsLikeAggregate, type PartitionKey } from '../records/index.ts'
import type { KeyQueue } from './key-queue.ts'
import type { ShardLane } from './shard-lane.ts'

/** One PutRecords. */
export interface PutRequest {
  readonly entries: readonly PutEntry[]
  /** In which all data of the entries stand; undefined where they have memory of their own, or others have a part of them. */
  readonly memory: Buffer<ArrayBuffer> | undefined
}

/** One entry of PutRecords, in the SDK's words, and the records in it. */
export interface PutEntry {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly ExplicitHashKey: string | undefined
  readonly lane: ShardLane
  /** Whose records it holds, in their order; a key may come twice. */
  readonly queues: readonly KeyQueue[]
  /** Of each of `queues`, so many. */
  readonly counts: readonly number[]
  /** Made by a map in which shards were missing: some of the records may not belong to this one. */
  readonly unsure: boolean
}

/** Whether a record may be written as it is; else only inside an aggregate, be it one of one. */
export function standsAlone(data: Uint8Array, tags: Uint8Array | null): boolean {
  return tags === null && !beginsLikeAggregate(data)
}

/** Bytes that a record takes of a request on its own. */
export function entryBytes(key: PartitionKey, data: Uint8Array, tags: Uint8Array | null): number {
  return (standsAlone(data, tags) ? data.length : aggregateOfOneBytes(key, data, tags)) + key.utf8.length
}

/** The hash key of a record whose caller chose a shard that its own hash does not lie in. */
export function chosenHashKey(
  key: PartitionKey,
  partition: string | undefined,
  { shard }: ShardLane,
): string | undefined {
  if (partition === undefined || (key.hashKey >= shard.from && key.hashKey <= shard.to)) return undefined
  return String(shard.from)
}
