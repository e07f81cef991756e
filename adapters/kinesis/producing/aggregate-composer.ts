import { AggregateWriter, sealAggregates } from '../records/index.ts'
import { type Composer, MAX_ENTRIES, MAX_REQUEST_BYTES } from './composer.ts'
import type { Item } from './item.ts'
import type { Lanes } from './lanes.ts'
import { chosenHashKey, entryBytes, type PutEntry } from './put-entry.ts'
import type { ShardLane } from './shard-lane.ts'

/** As KPL. */
const AGGREGATE_BYTES = 51_200
/** For each lane, and at least: with less, a request waits while others are on their way. */
const WORTH_WHILE_BYTES = 2 * AGGREGATE_BYTES
const LEAST_BYTES = 8 * AGGREGATE_BYTES

/**
 * Aggregates of many items of one shard. An aggregate may hold several items of a key, in their order; what is left of that key
 * waits until it is written.
 */
export class AggregateComposer implements Composer {
  flushing = false
  readonly #lingerMs: number
  readonly #writer = new AggregateWriter()

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  admitted(lane: ShardLane, item: Item): void {
    lane.bytes += entryBytes(item)
  }

  dueAt(lane: ShardLane, now: number): number {
    const first = lane.queue.first()
    if (first === undefined) return Number.POSITIVE_INFINITY
    const ready = lane.readyAt(now, 1)
    return this.flushing || lane.bytes >= AGGREGATE_BYTES
      ? ready
      : Math.max(ready, first.call.begun + this.#lingerMs)
  }

  isEnough(lanes: Lanes): boolean {
    let bytes = 0
    for (const lane of lanes.all) if (lane.queue.length > 0) bytes += lane.bytes
    return bytes >= Math.max(LEAST_BYTES, lanes.all.length * WORTH_WHILE_BYTES)
  }

  compose(lanes: Lanes, now: number, drop: (item: Item) => void): PutEntry[] {
    const entries = this.#compose(lanes, now, drop)
    sealAggregates(entries.map(({ Data }) => Data))
    return entries
  }

  #compose(lanes: Lanes, now: number, drop: (item: Item) => void): PutEntry[] {
    const entries: PutEntry[] = []
    let bytes = 0
    for (const lane of lanes.inTurn()) {
      while (this.dueAt(lane, now) <= now) {
        if (entries.length === MAX_ENTRIES) return entries
        const first = lane.queue.first()!
        // The first may be one that is larger than an aggregate should be.
        const most = Math.max(AGGREGATE_BYTES, entryBytes(first)) + first.wire.keyBytes.length
        if (bytes + most > MAX_REQUEST_BYTES && bytes > 0) return entries
        const entry = this.#gather(lanes, lane, drop)
        if (entry === undefined) continue
        bytes += entry.Data.length + entry.PartitionKey.length
        lane.pace.spend(entry.Data.length)
        entries.push(entry)
      }
    }
    return entries
  }

  /** Those of one key stand behind each other again, as far as they are in one lane: one may go, with the others behind it. */
  putBack(lanes: Lanes, lane: ShardLane, items: readonly Item[]): void {
    const firsts: Item[] = []
    const last = new Map<number, Item>()
    for (const item of items) {
      lane.bytes += entryBytes(item)
      const before = last.get(item.turn)
      if (before === undefined) firsts.push(item)
      else before.next = item
      if (item.turn >= 0) last.set(item.turn, item)
    }
    lanes.putBack(lane, firsts)
  }

  /** Without its checksum yet. Undefined where all were dropped. */
  #gather(lanes: Lanes, lane: ShardLane, drop: (item: Item) => void): PutEntry | undefined {
    const writer = this.#writer
    const items: Item[] = []
    const fits = (item: Item): boolean => {
      const limit = items.length === 0 ? Number.POSITIVE_INFINITY : AGGREGATE_BYTES
      if (!writer.append(item.wire, limit, chosenHashKey(item, lane))) return false
      lane.bytes = Math.max(0, lane.bytes - entryBytes(item))
      items.push(item)
      return true
    }
    for (let first = lane.queue.first(); first !== undefined; first = lane.queue.first()) {
      if (first.call.settled) {
        lane.bytes = Math.max(0, lane.bytes - entryBytes(first))
        drop(lanes.take(lane))
        continue
      }
      if (!fits(first)) break
      lanes.take(lane)
      let item = first
      for (let next = item.next; next !== undefined; next = item.next) {
        // One that only has the same hash, or for which another shard was chosen, may not belong here.
        const belongs = next.wire.partitionKey === item.wire.partitionKey && next.partition === item.partition
        if (!belongs || !fits(next)) break
        item.next = undefined
        item = next
      }
    }
    const [first] = items
    if (first === undefined) return undefined
    return {
      Data: writer.finishUnsealed(),
      PartitionKey: first.wire.partitionKey,
      ExplicitHashKey: chosenHashKey(first, lane) ?? String(first.wire.hashKey),
      lane,
      items,
      unsure: lanes.hasGaps,
    }
  }
}
