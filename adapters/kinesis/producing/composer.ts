import type { Item } from './item.ts'
import type { Lanes } from './lanes.ts'
import type { PutEntry } from './put-entry.ts'
import type { ShardLane } from './shard-lane.ts'

export const MAX_ENTRIES = 500
/** Of data and partition keys in one request. */
export const MAX_REQUEST_BYTES = 10 * 1024 * 1024

/** Makes requests of what waits in the lanes. */
export interface Composer {
  /** Whether nothing is to wait for others to come. */
  flushing: boolean
  /** An item was called for that belongs to this lane, be it that it waits for its key yet. */
  admitted(lane: ShardLane, item: Item): void
  /** `performance.now()` from when the lane has something to send; infinite where nothing waits. */
  dueAt(lane: ShardLane, now: number): number
  /** Whether a request made now would be worth it while others are on their way. */
  isEnough(lanes: Lanes): boolean
  /** As many entries as fit one request, of lanes that may send now. `drop` is given what nobody waits for any more. */
  compose(lanes: Lanes, now: number, drop: (item: Item) => void): PutEntry[]
  /** What was not written goes back, before what waits in the lane. */
  putBack(lanes: Lanes, lane: ShardLane, items: readonly Item[]): void
}
