import { AggregateWriter } from '../records/index.ts'
import type { Backlog } from './backlog.ts'
import { type Composer, MAX_ENTRIES, MAX_REQUEST_BYTES } from './composer.ts'
import type { KeyQueue } from './key-queue.ts'
import type { Lanes } from './lanes.ts'
import { chosenHashKey, type PutEntry, type PutRequest, standsAlone } from './put-request.ts'
import type { ShardLane } from './shard-lane.ts'

const ONE = [1]

/** A record of the service for each of ours. */
export class PlainComposer implements Composer {
  flushing = false
  readonly #writer = new AggregateWriter()

  dueAt(lane: ShardLane, now: number): number {
    return lane.ready === 0 ? Number.POSITIVE_INFINITY : lane.readyAt(now, lane.ready)
  }

  isEnough(lanes: Lanes): boolean {
    return lanes.ready >= MAX_ENTRIES
  }

  compose(backlog: Backlog, now: number): PutRequest {
    const entries: PutEntry[] = []
    let bytes = 0
    // Those of all lanes that came first: what was sent together is then answered together, and not by the last of many requests.
    let lanes = [...backlog.lanes.inTurn()].filter((lane) => this.dueAt(lane, now) <= now)
    while (lanes.length > 0 && entries.length < MAX_ENTRIES) {
      const share = Math.ceil((MAX_ENTRIES - entries.length) / lanes.length)
      const more: ShardLane[] = []
      for (const lane of lanes) {
        let taken = 0
        while (taken < share && lane.pace.mayTake) {
          const queue = backlog.firstOf(lane)
          if (queue === undefined) break
          const size = backlog.sizeOfFirst(queue)
          const isFull = entries.length === MAX_ENTRIES || (bytes + size > MAX_REQUEST_BYTES && bytes > 0)
          if (isFull) return { entries, memory: undefined }
          bytes += size
          taken++
          lane.pace.spend(size)
          entries.push(this.#entryOf(backlog, lane, queue, size))
        }
        if (taken === share) more.push(lane)
      }
      lanes = more
    }
    return { entries, memory: undefined }
  }

  answered(): void {}

  /** The first one on its own: its bytes as they are, or an aggregate of one where they do not say it all. */
  #entryOf(backlog: Backlog, lane: ShardLane, queue: KeyQueue, size: number): PutEntry {
    const { key } = queue
    const tags = queue.tagsOf(0)
    const hashKey = chosenHashKey(key, queue.partitionOf(0), lane)
    let Data = queue.dataOf(0)
    if (!standsAlone(Data, tags)) {
      this.#writer.append(key, Data, tags, Number.POSITIVE_INFINITY, hashKey)
      Data = this.#writer.finish()
    }
    const queues = [backlog.take(lane, queue, 1, size)]
    return {
      Data,
      PartitionKey: key.text,
      ExplicitHashKey: hashKey,
      lane,
      queues,
      counts: ONE,
      unsure: false,
    }
  }
}
