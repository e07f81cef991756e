import { AggregateWriter, sealAggregates } from '../records/index.ts'
import { BufferPool } from '../service/buffer-pool.ts'
import type { Backlog } from './backlog.ts'
import { type Composer, MAX_ENTRIES } from './composer.ts'
import type { KeyQueue } from './key-queue.ts'
import type { Lanes } from './lanes.ts'
import { chosenHashKey, entryBytes, type PutEntry, type PutRequest } from './put-request.ts'
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

/** Of whom an aggregate has records, and how many. */
interface Gathered {
  readonly queues: KeyQueue[]
  readonly counts: number[]
}

/** What the entries of one request are put into: the memory, and how far it is used. */
interface Room {
  readonly memory: Buffer<ArrayBuffer>
  used: number
}

/**
 * Aggregates of many records of one shard. An aggregate may hold several of a key, in their order; what is left of that key
 * waits until it is written.
 */
export class AggregateComposer implements Composer {
  flushing = false
  readonly #lingerMs: number
  readonly #writer = new AggregateWriter()
  readonly #pool = new BufferPool()

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  dueAt(lane: ShardLane, now: number): number {
    const { first } = lane
    if (first === undefined) return Number.POSITIVE_INFINITY
    const ready = lane.readyAt(now, 1)
    return this.flushing || lane.bytes >= AGGREGATE_BYTES
      ? ready
      : Math.max(ready, first.callOf(0).begun + this.#lingerMs)
  }

  isEnough(lanes: Lanes): boolean {
    let bytes = 0
    for (const lane of lanes.all) bytes += lane.bytes
    return bytes >= Math.max(LEAST_BYTES, lanes.all.length * WORTH_WHILE_BYTES)
  }

  compose(backlog: Backlog, now: number): PutRequest {
    const entries: PutEntry[] = []
    let room: Room | undefined
    let bytes = 0
    // One of each lane at a time: what was sent together is answered together.
    for (let lanes = [...backlog.lanes.inTurn()]; lanes.length > 0; ) {
      const more: ShardLane[] = []
      for (const lane of lanes) {
        if (this.dueAt(lane, now) > now) continue
        const queue = backlog.firstOf(lane)
        if (queue === undefined) continue
        // The first may be one that is larger than an aggregate should be.
        const most = Math.max(AGGREGATE_BYTES, backlog.sizeOfFirst(queue)) + queue.key.utf8.length
        const isFull = entries.length === MAX_ENTRIES || bytes + most > REQUEST_BYTES
        if (isFull && bytes > 0) return sealed(entries, room)
        room ??= { memory: this.#pool.take(REQUEST_BYTES), used: 0 }
        const entry = this.#gather(backlog, lane, queue, room)
        bytes += entry.Data.length + entry.PartitionKey.length
        lane.pace.spend(entry.Data.length)
        entries.push(entry)
        more.push(lane)
      }
      lanes = more
    }
    return sealed(entries, room)
  }

  answered({ memory }: PutRequest): void {
    if (memory !== undefined) this.#pool.giveBack(memory)
  }

  /** Without its checksum yet. */
  #gather(backlog: Backlog, lane: ShardLane, first: KeyQueue, room: Room): PutEntry {
    const { key } = first
    const ExplicitHashKey = chosenHashKey(key, first.partitionOf(0), lane) ?? String(key.hashKey)
    const gathered: Gathered = { queues: [], counts: [] }
    const { queues, counts } = gathered
    let hasRoom = true
    for (let queue: KeyQueue | undefined = first; queue !== undefined; queue = backlog.firstOf(lane)) {
      const count = queues.length
      const most = queue.ordered ? KEY_BYTES : Number.POSITIVE_INFINITY
      hasRoom = this.#fill(backlog, lane, queue, most, gathered)
      if (!hasRoom || queues.length === count) break
    }
    // Of keys that wait for the answer anyway there may be more. The list grows meanwhile.
    for (let i = 0, { length } = queues; hasRoom && i < length; i++) {
      if (queues[i]!.ordered) {
        hasRoom = this.#fill(backlog, lane, queues[i]!, Number.POSITIVE_INFINITY, gathered)
      }
    }
    return {
      Data: this.#writer.finishUnsealed(this.#placeIn(room)),
      PartitionKey: key.text,
      ExplicitHashKey,
      lane,
      queues,
      counts,
      unsure: backlog.lanes.hasGaps,
    }
  }

  /** For what the writer holds; undefined where it is larger than what is left, and has to have memory of its own. */
  #placeIn(room: Room): Buffer<ArrayBuffer> | undefined {
    const end = room.used + this.#writer.sizeBytes
    if (end > room.memory.length) return undefined
    const place = room.memory.subarray(room.used, end)
    room.used = end
    return place
  }

  /**
   * Puts about so many bytes of a key's first records that wait into the aggregate, as far as they belong to this lane, and notes how many they
   * were. False where there is no room for the next one.
   */
  #fill(
    backlog: Backlog,
    lane: ShardLane,
    queue: KeyQueue,
    most: number,
    { queues, counts }: Gathered,
  ): boolean {
    const writer = this.#writer
    const { key, waiting } = queue
    const from = queue.onTheirWay
    let count = 0
    let bytes = 0
    let hasRoom = true
    let partition: string | undefined
    let hashKey: string | undefined
    while (bytes < most && count < waiting) {
      const { settled, partitions, tags } = queue.callOf(from + count)
      // Nobody waits for it any more: it is dropped when it comes first.
      if (settled) break
      const index = queue.indexOf(from + count)
      const chosen = partitions?.[index]
      if (count === 0 || chosen !== partition) {
        partition = chosen
        if (backlog.lanes.of(key, partition) !== lane) break
        hashKey = chosenHashKey(key, partition, lane)
      }
      const limit = writer.count === 0 ? Number.POSITIVE_INFINITY : AGGREGATE_BYTES
      const ofRecord = tags?.[index] ?? null
      const data = queue.dataOf(from + count)
      hasRoom = writer.append(key, data, ofRecord, limit, hashKey)
      if (!hasRoom) break
      bytes += entryBytes(key, data, ofRecord)
      count++
    }
    if (count > 0) {
      queues.push(backlog.take(lane, queue, count, bytes))
      counts.push(count)
    }
    return hasRoom
  }
}

function sealed(entries: PutEntry[], room: Room | undefined): PutRequest {
  sealAggregates(entries.map(({ Data }) => Data))
  return { entries, memory: room?.memory }
}
