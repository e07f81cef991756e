import type { EncodedRecord, StreamError } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { hashKeys, type PartitionKey, partitionKeyOf, type RecordEncoder } from '../records/index.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import { checkRecord, type RecordLimits } from './check-record.ts'
import { KeyQueue } from './key-queue.ts'
import { KeyTable } from './key-table.ts'
import { Lanes } from './lanes.ts'
import { noShard } from './no-shard.ts'
import { chosenHashKey, entryBytes, type PutEntry } from './put-entry.ts'
import { NONE, RecordSlots } from './record-slots.ts'
import type { Landing, SendCall } from './send-call.ts'
import type { ShardLane } from './shard-lane.ts'

/**
 * All records of a stream that are not written. Those of a key stand in one queue, in the order of the calls. Where they are ordered, one entry of a
 * request with records of a key is on its way at a time: whatever becomes of it, and whatever shard the key belongs to by then, nothing overtakes.
 */
export class Backlog {
  readonly lanes: Lanes
  readonly slots = new RecordSlots<KeyQueue>()
  readonly #keys = new KeyTable()
  readonly #ordered: boolean
  readonly #encoder: RecordEncoder
  readonly #limits: RecordLimits
  /** Of the last records without key. */
  #keyless: KeyQueue | undefined
  /** Of one call: reused. */
  readonly #newKeys: PartitionKey[] = []
  readonly #newQueues: KeyQueue[] = []

  constructor(map: ShardMap, ordered: boolean, encoder: RecordEncoder, limits: RecordLimits) {
    this.lanes = new Lanes(map)
    this.#ordered = ordered
    this.#encoder = encoder
    this.#limits = limits
  }

  /** All records of a call, or why none of them. */
  admit(call: SendCall): StreamError | undefined {
    const { records } = call
    const encoder = this.#encoder
    for (let i = 0; i < records.length; i++) {
      const error = checkRecord(call, i, this.#limits, encoder)
      if (error !== undefined) return error
    }
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const queue = record.key === null ? this.#keylessQueue() : this.#queueOf(record.key)
      let tags = call.tags?.[i] ?? null
      if (tags === null) {
        tags = encoder.tagsOf(record, queue.key)
        if (tags !== null) call.setTags(i, tags)
      }
      const size = entryBytes(queue.key, record, tags)
      if (queue.count === 0 && (queue.onTheirWay === 0 || !queue.ordered)) this.#newQueues.push(queue)
      queue.push(this.slots, this.slots.take(call, i, queue, size))
    }
    hashKeys(this.#newKeys)
    for (const queue of this.#newQueues) this.#route(queue)
    this.#newKeys.length = 0
    this.#newQueues.length = 0
    return undefined
  }

  /** The first queue of a lane, with a record that somebody waits for and that belongs there. */
  firstOf(lane: ShardLane): KeyQueue | undefined {
    for (let queue = lane.first; queue !== undefined; queue = lane.first) {
      const { first } = queue
      if (!this.callIn(first).settled) {
        if (this.lanes.of(queue.key, this.recordIn(first).partition) === lane) return queue
      }
      this.#route(lane.shift())
    }
    return undefined
  }

  /** The slot of its first record, which goes into an entry. */
  take(queue: KeyQueue): number {
    queue.onTheirWay++
    return queue.shift(this.slots)
  }

  /** Something was taken of the first queue of its lane, for one entry: it leaves the lane unless another one may go. */
  taken(lane: ShardLane, queue: KeyQueue): void {
    if (!queue.ordered && queue.count > 0) return
    lane.shift()
    if (!queue.ordered) this.#keys.delete(queue)
  }

  callIn(slot: number): SendCall {
    return this.slots.calls[slot]!
  }

  recordIn(slot: number): EncodedRecord {
    return this.slots.calls[slot]!.records[this.slots.indexes[slot]!]!
  }

  tagsIn(slot: number): Uint8Array | null {
    return this.slots.calls[slot]!.tags?.[this.slots.indexes[slot]!] ?? null
  }

  /** Whether readers take all of an aggregate for records of a range of hash keys. */
  liesWithin({ first, lane }: PutEntry, from: bigint, to: bigint): boolean {
    const { nexts, queues } = this.slots
    for (let slot = first; slot !== NONE; slot = nexts[slot]!) {
      const { key } = queues[slot]!
      const chosen = chosenHashKey(key, this.recordIn(slot).partition, lane)
      const hashKey = chosen === undefined ? key.hashKey : BigInt(chosen)
      if (hashKey < from || hashKey > to) return false
    }
    return true
  }

  written({ first }: PutEntry, landing: Landing): void {
    const { slots } = this
    for (let slot = first, sub = 0; slot !== NONE; sub++) {
      const next = slots.nexts[slot]!
      slots.calls[slot]!.settle(slots.indexes[slot]!, landing, sub)
      this.#done(slot)
      slot = next
    }
  }

  giveUp({ first }: PutEntry, error: StreamError): void {
    const { slots } = this
    for (let slot = first; slot !== NONE; ) {
      const next = slots.nexts[slot]!
      slots.calls[slot]!.fail(slots.indexes[slot]!, error)
      this.#done(slot)
      slot = next
    }
  }

  /** What was not written goes again, before what waits. */
  putBack(entries: readonly PutEntry[]): void {
    const { nexts } = this.slots
    const back: number[] = []
    for (const { first } of entries)
      for (let slot = first; slot !== NONE; slot = nexts[slot]!) back.push(slot)
    for (let i = back.length - 1; i >= 0; i--) {
      const slot = back[i]!
      const queue = this.slots.queues[slot]!
      queue.pushFront(this.slots, slot)
      queue.onTheirWay--
      // As long as others of an ordered one are on their way, they are of the same entry.
      if (queue.lane === undefined && (!queue.ordered || queue.onTheirWay === 0)) this.#route(queue, true)
    }
  }

  /** Goes on with a newer map. */
  replaceMap(map: ShardMap): void {
    for (const queue of this.lanes.replace(map)) this.#route(queue)
  }

  #queueOf(key: Uint8Array): KeyQueue {
    const hash = murmur2(key) | 0
    let queue = this.#keys.find(key, hash)
    if (queue === undefined) {
      queue = new KeyQueue(partitionKeyOf(key), key, hash, this.#ordered)
      this.#keys.add(queue)
      this.#newKeys.push(queue.key)
    }
    return queue
  }

  #keylessQueue(): KeyQueue {
    const key = this.#encoder.randomKey()
    if (this.#keyless?.key !== key) this.#keyless = new KeyQueue(key, null, 0, false)
    return this.#keyless!
  }

  /** Puts a queue into the lane of its first record; what nobody waits for any more, and what no lane takes, is dropped. */
  #route(queue: KeyQueue, inFront = false): void {
    const { slots, lanes } = this
    while (queue.first !== NONE) {
      const call = this.callIn(queue.first)
      if (!call.settled) {
        const { partition } = this.recordIn(queue.first)
        const lane = lanes.of(queue.key, partition)
        if (lane !== undefined) {
          if (inFront) lane.pushFront(queue)
          else lane.push(queue)
          return
        }
        call.fail(slots.indexes[queue.first]!, noShard(lanes.map, partition!))
      }
      slots.giveBack(queue.shift(slots))
    }
    if (queue.onTheirWay === 0 || !queue.ordered) this.#keys.delete(queue)
  }

  /** The record in a slot is written or given up: lets those behind it go. */
  #done(slot: number): void {
    const queue = this.slots.queues[slot]!
    this.slots.giveBack(slot)
    if (--queue.onTheirWay === 0 && queue.ordered) this.#route(queue)
  }
}
