import { AggregateWriter, aggregateOfOneBytes } from '../records/index.ts'
import type { Item } from './item.ts'
import type { ShardLane } from './shard-lane.ts'

/** One entry of PutRecords, in the SDK's words, and the items in it. */
export interface PutEntry {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly ExplicitHashKey: string | undefined
  readonly lane: ShardLane
  readonly items: readonly Item[]
  /** Made by a map in which shards were missing: some of the items may not belong to this one. */
  readonly unsure: boolean
}

/** Bytes that an item takes of a request on its own. */
export function entryBytes({ wire }: Item): number {
  return (wire.alone ? wire.data.length : aggregateOfOneBytes(wire)) + wire.keyBytes.length
}

const writer = new AggregateWriter()

/** An item on its own: its bytes as they are, or an aggregate of one where they do not say it all. */
export function entryOf(item: Item, lane: ShardLane): PutEntry {
  const { wire } = item
  const hashKey = chosenHashKey(item, lane)
  let Data = wire.data
  if (!wire.alone) {
    writer.append(wire, Number.POSITIVE_INFINITY, hashKey)
    Data = writer.finish()
  }
  return {
    Data,
    PartitionKey: wire.partitionKey,
    ExplicitHashKey: hashKey,
    lane,
    items: [item],
    unsure: false,
  }
}

/** The hash key of an item whose caller chose a shard that its own hash does not lie in. */
export function chosenHashKey({ partition, wire }: Item, { shard }: ShardLane): string | undefined {
  if (partition === undefined || (wire.hashKey >= shard.from && wire.hashKey <= shard.to)) return undefined
  return String(shard.from)
}

/** By which readers judge whether an item of an aggregate belongs to the shard that it stands in. */
export function hashKeyIn({ lane }: PutEntry, item: Item): bigint {
  const chosen = chosenHashKey(item, lane)
  return chosen === undefined ? item.wire.hashKey : BigInt(chosen)
}
