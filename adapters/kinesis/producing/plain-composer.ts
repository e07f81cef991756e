import { AggregateWriter } from '../records/index.ts'
import type { Backlog } from './backlog.ts'
import { type Composer, MAX_ENTRIES, MAX_REQUEST_BYTES } from './composer.ts'
import type { KeyQueue } from './key-queue.ts'
import type { Lanes } from './lanes.ts'
import { chosenHashKey, EMPTY, type PutEntry, standsAlone } from './put-entry.ts'
import type { ShardLane } from './shard-lane.ts'

/** A record of the service for each of ours. */
export class PlainComposer implements Composer {
  flushing = false
  readonly #writer = new AggregateWriter()

  dueAt(_backlog: Backlog, lane: ShardLane, now: number): number {
    return lane.ready === 0 ? Number.POSITIVE_INFINITY : lane.readyAt(now, lane.ready)
  }

  isEnough(lanes: Lanes): boolean {
    return lanes.ready >= MAX_ENTRIES
  }

  compose(backlog: Backlog, now: number): PutEntry[] {
    const entries: PutEntry[] = []
    let bytes = 0
    for (const lane of backlog.lanes.inTurn()) {
      if (this.dueAt(backlog, lane, now) > now) continue
      while (lane.pace.mayTake) {
        const queue = backlog.firstOf(lane)
        if (queue === undefined) break
        const size = backlog.slots.sizes[queue.first]!
        if (entries.length === MAX_ENTRIES || (bytes + size > MAX_REQUEST_BYTES && bytes > 0)) return entries
        bytes += size
        lane.pace.spend(size)
        entries.push(this.#entryOf(backlog, lane, queue))
        backlog.taken(lane, queue)
      }
    }
    return entries
  }

  /** The first one on its own: its bytes as they are, or an aggregate of one where they do not say it all. */
  #entryOf(backlog: Backlog, lane: ShardLane, queue: KeyQueue): PutEntry {
    const { key } = queue
    const first = backlog.take(queue)
    const { value, partition } = backlog.recordIn(first)
    const tags = backlog.tagsIn(first)
    const hashKey = chosenHashKey(key, partition, lane)
    let Data = value ?? EMPTY
    if (!standsAlone(Data, tags)) {
      this.#writer.append(key, Data, tags, Number.POSITIVE_INFINITY, hashKey)
      Data = this.#writer.finish()
    }
    return { Data, PartitionKey: key.text, ExplicitHashKey: hashKey, lane, first, unsure: false }
  }
}
