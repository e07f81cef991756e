import { AggregateWriter, sealAggregates } from '../records/index.ts'
import type { Backlog } from './backlog.ts'
import { type Composer, MAX_ENTRIES } from './composer.ts'
import type { KeyQueue } from './key-queue.ts'
import type { Lanes } from './lanes.ts'
import { chosenHashKey, EMPTY, type PutEntry } from './put-entry.ts'
import { NONE } from './record-slots.ts'
import type { ShardLane } from './shard-lane.ts'

/** As KPL. */
const AGGREGATE_BYTES = 51_200
/** As KPL too. With larger ones, fewer would be on their way at once, and the service would be idle while the next one is made. */
const REQUEST_BYTES = 5 * 1024 * 1024
/**
 * Of an aggregate, about what one key gets as long as others wait too: the rest of its records wait for the answer. If all of them went at once,
 * calls that have records of all keys would be answered by the last of many requests, and nothing would come after it.
 */
const KEY_BYTES = AGGREGATE_BYTES / 8
/** For each lane, and at least: with less, a request waits while others are on their way. */
const WORTH_WHILE_BYTES = 2 * AGGREGATE_BYTES
const LEAST_BYTES = 8 * AGGREGATE_BYTES

/**
 * Aggregates of many records of one shard. An aggregate may hold several of a key, in their order; what is left of that key
 * waits until it is written.
 */
export class AggregateComposer implements Composer {
  flushing = false
  readonly #lingerMs: number
  readonly #writer = new AggregateWriter()
  /** Of the aggregate that is made: its keys, and the ends of the list of its records. */
  readonly #queues: KeyQueue[] = []
  #first = NONE
  #last = NONE

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  dueAt(backlog: Backlog, lane: ShardLane, now: number): number {
    const { first } = lane
    if (first === undefined) return Number.POSITIVE_INFINITY
    const ready = lane.readyAt(now, 1)
    return this.flushing || lane.bytes >= AGGREGATE_BYTES
      ? ready
      : Math.max(ready, backlog.callIn(first.first).begun + this.#lingerMs)
  }

  isEnough(lanes: Lanes): boolean {
    let bytes = 0
    for (const lane of lanes.all) bytes += lane.bytes
    return bytes >= Math.max(LEAST_BYTES, lanes.all.length * WORTH_WHILE_BYTES)
  }

  compose(backlog: Backlog, now: number): PutEntry[] {
    const entries: PutEntry[] = []
    let bytes = 0
    for (const lane of backlog.lanes.inTurn()) {
      while (this.dueAt(backlog, lane, now) <= now) {
        const queue = backlog.firstOf(lane)
        if (queue === undefined) break
        // The first may be one that is larger than an aggregate should be.
        const most = Math.max(AGGREGATE_BYTES, backlog.slots.sizes[queue.first]!) + queue.key.utf8.length
        const isFull = entries.length === MAX_ENTRIES || bytes + most > REQUEST_BYTES
        if (isFull && bytes > 0) return sealed(entries)
        const entry = this.#gather(backlog, lane, queue)
        bytes += entry.Data.length + entry.PartitionKey.length
        lane.pace.spend(entry.Data.length)
        entries.push(entry)
      }
    }
    return sealed(entries)
  }

  /** Without its checksum yet. */
  #gather(backlog: Backlog, lane: ShardLane, first: KeyQueue): PutEntry {
    const { key } = first
    const queues = this.#queues
    const { partition } = backlog.recordIn(first.first)
    const ExplicitHashKey = chosenHashKey(key, partition, lane) ?? String(key.hashKey)
    let room = true
    for (let queue: KeyQueue | undefined = first; queue !== undefined; queue = backlog.firstOf(lane)) {
      const before = this.#last
      room = this.#fill(backlog, lane, queue, queue.ordered ? KEY_BYTES : Number.POSITIVE_INFINITY)
      if (this.#last === before) break
      backlog.taken(lane, queue)
      if (!room) break
      if (queue.ordered) queues.push(queue)
    }
    for (let i = 0; room && i < queues.length; i++) {
      room = this.#fill(backlog, lane, queues[i]!, Number.POSITIVE_INFINITY)
    }
    const entry = {
      Data: this.#writer.finishUnsealed(),
      PartitionKey: key.text,
      ExplicitHashKey,
      lane,
      first: this.#first,
      unsure: backlog.lanes.hasGaps,
    }
    this.#first = NONE
    this.#last = NONE
    queues.length = 0
    return entry
  }

  /** Puts about so many bytes of a key's first records into the aggregate, as far as they belong to this lane. False where there is no room for the next one. */
  #fill(backlog: Backlog, lane: ShardLane, queue: KeyQueue, bytes: number): boolean {
    const { slots } = backlog
    const { key } = queue
    let isFirst = true
    let partition: string | undefined
    let hashKey: string | undefined
    for (let left = bytes; left > 0 && queue.first !== NONE; ) {
      const slot = queue.first
      const { settled, records, tags } = slots.calls[slot]!
      if (settled) {
        slots.giveBack(queue.shift(slots))
        continue
      }
      const index = slots.indexes[slot]!
      const record = records[index]!
      if (isFirst || record.partition !== partition) {
        isFirst = false
        partition = record.partition
        if (backlog.lanes.of(key, partition) !== lane) return true
        hashKey = chosenHashKey(key, partition, lane)
      }
      const limit = this.#first === NONE ? Number.POSITIVE_INFINITY : AGGREGATE_BYTES
      const data = record.value ?? EMPTY
      if (!this.#writer.append(key, data, tags?.[index] ?? null, limit, hashKey)) return false
      backlog.take(queue)
      if (this.#first === NONE) this.#first = slot
      else slots.nexts[this.#last] = slot
      this.#last = slot
      left -= slots.sizes[slot]!
    }
    return true
  }
}

function sealed(entries: PutEntry[]): PutEntry[] {
  sealAggregates(entries.map(({ Data }) => Data))
  return entries
}
