import type { Backlog } from './backlog.ts'
import type { Lanes } from './lanes.ts'
import type { PutRequest } from './put-request.ts'
import type { ShardLane } from './shard-lane.ts'

export const MAX_ENTRIES = 500
/** Of data and partition keys in one request. */
export const MAX_REQUEST_BYTES = 10 * 1024 * 1024

/** Makes requests of what waits in the lanes. */
export interface Composer {
  /** Whether nothing is to wait for others to come. */
  flushing: boolean
  /** `performance.now()` from when the lane has something to send; infinite where nothing waits. */
  dueAt(lane: ShardLane, now: number): number
  /** Whether a request made now would be worth it while others are on their way. */
  isEnough(lanes: Lanes): boolean
  /** As many entries as fit one request, of lanes that may send now. */
  compose(backlog: Backlog, now: number): PutRequest
  /** A request was answered: nobody looks at the data of its entries any more. */
  answered(request: PutRequest): void
}
