import { type Composer, MAX_ENTRIES, MAX_REQUEST_BYTES } from './composer.ts'
import type { Item } from './item.ts'
import type { Lanes } from './lanes.ts'
import { entryBytes, entryOf, type PutEntry } from './put-entry.ts'
import type { ShardLane } from './shard-lane.ts'

/** A record of the service for each item. */
export class PlainComposer implements Composer {
  flushing = false

  admitted(): void {}

  dueAt(lane: ShardLane, now: number): number {
    const { length } = lane.queue
    return length === 0 ? Number.POSITIVE_INFINITY : lane.readyAt(now, length)
  }

  isEnough(lanes: Lanes): boolean {
    return lanes.ready >= MAX_ENTRIES
  }

  compose(lanes: Lanes, now: number, drop: (item: Item) => void): PutEntry[] {
    const entries: PutEntry[] = []
    let bytes = 0
    for (const lane of lanes.inTurn()) {
      if (this.dueAt(lane, now) > now) continue
      while (lane.pace.mayTake) {
        const item = lane.queue.first()
        if (item === undefined) break
        if (item.call.settled) {
          drop(lanes.take(lane))
          continue
        }
        const size = entryBytes(item)
        if (entries.length === MAX_ENTRIES || (bytes + size > MAX_REQUEST_BYTES && bytes > 0)) return entries
        bytes += size
        lanes.take(lane)
        lane.pace.spend(size)
        entries.push(entryOf(item, lane))
      }
    }
    return entries
  }

  putBack(lanes: Lanes, lane: ShardLane, items: readonly Item[]): void {
    lanes.putBack(lane, items)
  }
}
