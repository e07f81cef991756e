import type { ParkingTicket } from '../dead-letter-headers.ts'
import { Deque } from '../deque.ts'
import type { HandlerContext } from './options.ts'
import type { PartitionSession } from './partition-session.ts'
import type { WorkEntry } from './work-entry.ts'

/** A record whose key is its own until it is done. */
export interface Task {
  readonly lanes: Lanes
  readonly entry: WorkEntry
  readonly index: number
  readonly hash: number
  attempt: number
}

/** What `each` keeps of one session. */
export class Lanes {
  readonly session: PartitionSession
  readonly context: HandlerContext
  /** Fetched, not yet looked at; `cursor` is the next record of the first entry. */
  readonly entries = new Deque<WorkEntry>()
  cursor = 0
  /** Keys in work by hash, each with the records that wait behind it. Two keys of one hash merely wait for each other. */
  readonly busy = new Map<number, Task[]>()
  /** Retries that wait for their time. */
  readonly backoffs = new Map<Task, NodeJS.Timeout>()
  /** Tasks that hold their key: running, ready, in backoff, or on their way to the dead letters. */
  active = 0
  /** The furthest record started; when draining, nothing behind it starts. */
  highest = -1
  draining = false
  onIdle: (() => void) | undefined

  constructor(session: PartitionSession, context: HandlerContext) {
    this.session = session
    this.context = context
  }
}

/** No record waits behind this key. Shared, so never written to. */
export const NONE: Task[] = []

/**
 * A place where one handler call runs. Its callbacks are made once, so that a record costs no closure. Places are bounded by
 * `concurrency`; one whose handler hangs is replaced.
 */
export class Place {
  task: Task | undefined
  ticket: ParkingTicket | undefined
  /** When a tick first found the call running. */
  seenAt: number | undefined
  hung = false
  readonly onDone: () => void
  readonly onFail: (error: unknown) => void

  constructor(succeeded: (place: Place) => void, failed: (place: Place, error: unknown) => void) {
    this.onDone = () => succeeded(this)
    this.onFail = (error) => failed(this, error)
  }
}
