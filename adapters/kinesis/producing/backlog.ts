import type { StreamError } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { hashKeys, type PartitionKey, partitionKeyOf, type RecordEncoder } from '../records/index.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import { checkRecord, type RecordLimits } from './check-record.ts'
import { KeyQueue } from './key-queue.ts'
import { KeyTable } from './key-table.ts'
import { Lanes } from './lanes.ts'
import { noShard } from './no-shard.ts'
import { chosenHashKey, entryBytes, type PutEntry } from './put-request.ts'
import { type Landing, NO_DATA, type SendCall } from './send-call.ts'
import type { ShardLane } from './shard-lane.ts'

/**
 * All records of a stream that are not written. Those of a key stand in one queue, in the order of the calls. Where they are ordered, one entry of a
 * request with records of a key is on its way at a time: whatever becomes of it, and whatever shard the key belongs to by then, nothing overtakes.
 */
export class Backlog {
  readonly lanes: Lanes
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
      if (record.partition !== undefined) call.setPartition(i, record.partition)
      const data = record.value ?? NO_DATA
      if (queue.waiting === 0 && queue.onTheirWay === 0) this.#newQueues.push(queue)
      queue.push(call, i, data, entryBytes(queue.key, data, tags))
    }
    call.admitted()
    hashKeys(this.#newKeys)
    for (const queue of this.#newQueues) this.#route(queue)
    this.#newKeys.length = 0
    this.#newQueues.length = 0
    return undefined
  }

  /** The first queue of a lane, with a record that somebody waits for and that belongs there. */
  firstOf(lane: ShardLane): KeyQueue | undefined {
    for (let queue = lane.first; queue !== undefined; queue = lane.first) {
      const isWanted = !queue.callOf(0).settled
      if (isWanted && this.lanes.of(queue.key, queue.partitionOf(0)) === lane) return queue
      this.#route(lane.shift())
    }
    return undefined
  }

  /**
   * The first records of a queue that wait, so many with so many bytes, go into an entry of a request to its lane. Returns the queue that the
   * entry is to name. It leaves its lane, unless another entry may have the rest of it.
   */
  take(lane: ShardLane, queue: KeyQueue, count: number, bytes: number): KeyQueue {
    if (!queue.ordered && count < queue.waiting) {
      const first = queue.split(count, bytes)
      first.send(count, bytes)
      return first
    }
    if (queue.lane !== undefined) {
      lane.shift()
      if (!queue.ordered) this.#forget(queue)
    }
    queue.send(count, bytes)
    return queue
  }

  /** About what the first record of a queue takes of a request. */
  sizeOfFirst(queue: KeyQueue): number {
    return entryBytes(queue.key, queue.dataOf(0), queue.tagsOf(0))
  }

  /** Whether readers take all of an aggregate for records of a range of hash keys. */
  liesWithin({ queues, counts, lane }: PutEntry, from: bigint, to: bigint): boolean {
    /** How many of a queue were looked at. */
    const seen = new Map<KeyQueue, number>()
    return queues.every((queue, run) => {
      const { key } = queue
      const first = seen.get(queue) ?? 0
      const end = first + counts[run]!
      seen.set(queue, end)
      for (let i = first; i < end; i++) {
        const chosen = chosenHashKey(key, queue.partitionOf(i), lane)
        const hashKey = chosen === undefined ? key.hashKey : BigInt(chosen)
        if (hashKey < from || hashKey > to) return false
      }
      return true
    })
  }

  written({ queues, counts }: PutEntry, landing: Landing): void {
    let sub = 0
    for (let run = 0; run < queues.length; run++) {
      const queue = queues[run]!
      const count = counts[run]!
      for (let i = 0; i < count; i++) queue.callOf(i).settle(queue.indexOf(i), landing, sub++)
      this.#ended(queue, count)
    }
  }

  giveUp({ queues, counts }: PutEntry, error: StreamError): void {
    queues.forEach((queue, run) => {
      const count = counts[run]!
      for (let i = 0; i < count; i++) queue.callOf(i).fail(queue.indexOf(i), error)
      this.#ended(queue, count)
    })
  }

  /** What was not written goes again, before what waits. */
  putBack(entries: readonly PutEntry[]): void {
    for (let i = entries.length - 1; i >= 0; i--) {
      const { queues } = entries[i]!
      for (let run = queues.length - 1; run >= 0; run--) {
        const queue = queues[run]!
        // A key that comes twice comes back at once.
        if (queue.onTheirWay === 0) continue
        queue.comeBack()
        this.#route(queue, true)
      }
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
    const { lanes } = this
    while (queue.waiting > 0) {
      const call = queue.callOf(0)
      if (!call.settled) {
        const partition = queue.partitionOf(0)
        const lane = lanes.of(queue.key, partition)
        if (lane !== undefined) {
          if (inFront) lane.pushFront(queue)
          else lane.push(queue)
          return
        }
        call.fail(queue.indexOf(0), noShard(lanes.map, partition!))
      }
      queue.drop(this.sizeOfFirst(queue))
    }
    this.#forget(queue)
  }

  /** Later records of its key stand in another one. */
  #forget(queue: KeyQueue): void {
    if (queue === this.#keyless) this.#keyless = undefined
    else if (queue.bytes !== null) this.#keys.delete(queue)
  }

  /** The first records of a queue are written or given up: with the last that were on their way, those behind them go. */
  #ended(queue: KeyQueue, count: number): void {
    queue.end(count)
    if (queue.onTheirWay === 0) this.#route(queue)
  }
}
