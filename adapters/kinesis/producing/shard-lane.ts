import type { Shard } from '../shards/stream-catalog.ts'
import { ItemQueue } from './item-queue.ts'
import { Pace } from './pace.ts'

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2_000

/** What waits to be written to one open shard, and how fast that may go. */
export class ShardLane {
  readonly shard: Shard
  /** Items whose turn has come; of a key only one. */
  readonly queue = new ItemQueue()
  readonly pace = new Pace()
  /** About what waits, with what waits behind it for its key. Kept where records are aggregated. */
  bytes = 0
  #pausedUntil = 0
  #pauseMs = FIRST_PAUSE_MS

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** `performance.now()` from when so many entries of PutRecords may be sent. */
  readyAt(now: number, entries: number): number {
    return Math.max(this.#pausedUntil, this.pace.readyAt(now, entries))
  }

  /** A record was refused by the shard for now. Pauses that follow each other grow. */
  refused(now: number): void {
    if (now < this.#pausedUntil) return
    this.#pausedUntil = now + this.#pauseMs * (0.5 + Math.random() * 0.5)
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }

  accepted(): void {
    this.#pauseMs = FIRST_PAUSE_MS
  }
}
