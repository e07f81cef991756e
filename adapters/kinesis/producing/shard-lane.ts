import type { Shard } from '../shards/stream-catalog.ts'
import type { KeyQueue, LaneSums } from './key-queue.ts'
import { Pace } from './pace.ts'

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2_000

/** What waits to be written to one open shard, and how fast that may go. */
export class ShardLane implements LaneSums {
  readonly shard: Shard
  readonly pace = new Pace()
  /** The top of the hash key where the shard begins, as `PartitionKey.word0` is signed, in the order of the numbers. */
  readonly top: number
  /** Keys whose turn has come, in a list by `KeyQueue.next`. */
  first: KeyQueue | undefined
  last: KeyQueue | undefined
  ready = 0
  bytes = 0
  #pausedUntil = 0
  #pauseMs = FIRST_PAUSE_MS

  constructor(shard: Shard) {
    this.shard = shard
    this.top = Number(shard.from >> 96n) - 2 ** 31
  }

  push(queue: KeyQueue): void {
    if (this.last === undefined) this.first = queue
    else this.last.next = queue
    this.last = queue
    this.#enter(queue)
  }

  pushFront(queue: KeyQueue): void {
    queue.next = this.first
    this.first = queue
    this.last ??= queue
    this.#enter(queue)
  }

  /** Takes the first one out. */
  shift(): KeyQueue {
    const queue = this.first!
    this.first = queue.next
    if (this.first === undefined) this.last = undefined
    queue.next = undefined
    queue.lane = undefined
    this.bytes -= queue.sizeBytes
    this.ready -= queue.ready
    return queue
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

  #enter(queue: KeyQueue): void {
    queue.lane = this
    this.bytes += queue.sizeBytes
    this.ready += queue.ready
  }
}
