import type { ConsumedBatch } from '../batch.ts'
import type { From, Position } from '../position.ts'
import type { StreamRecord } from '../record.ts'
import type { KeyOf, OutputOf, TopicLike } from '../topic.ts'
import type { PoisonPolicy } from './poison-policy.ts'

/** What a consumer of these topics is given: one type a topic, as a union. */
export type RecordOf<T extends TopicLike> = T extends TopicLike ? StreamRecord<OutputOf<T>, KeyOf<T>> : never

/** When finished work is recorded. `manual` leaves it to `checkpoint()`. */
export type CheckpointStrategy =
  | 'manual'
  | {
      /** Milliseconds between checkpoints of a partition that moved. Default: 1,000. */
      readonly intervalMs?: number
      /** Also after so many finished records of a partition. Default: no count. */
      readonly records?: number
    }

export interface ConsumerOptions<T extends TopicLike = TopicLike> {
  readonly group: string
  readonly topics: readonly T[]
  /** Where the group begins in partitions it has never seen; persisted then. Default: `earliest`. */
  readonly from?: From
  /** Default: `{ intervalMs: 1000 }`. */
  readonly checkpoint?: CheckpointStrategy
  /** A member unheard of for so long loses its partitions. Milliseconds; at least 100. Default: 10,000. */
  readonly sessionTimeoutMs?: number
  /**
   * A name that stays the same through restarts of this process and that no other member of the group has: coming back within
   * `sessionTimeoutMs` it goes on with the partitions it had, and nothing moves in the group. For that a member that closes keeps its place
   * too: its partitions wait until it is back or the session is over. A second live member of the same name: FENCED, to one of the
   * two. Needs `staticMembership`, else UNSUPPORTED. 1 to 249 of A-Z a-z 0-9 . _ -. Default: none, each start is a new member.
   */
  readonly instanceId?: string
  /** How long a revoked partition may finish what it holds. Milliseconds. Default: 5,000. */
  readonly drainTimeoutMs?: number
  /** About how much one fetch brings. Bytes. Default: 1 MiB. */
  readonly fetchMaxBytes?: number
  /** Fetching pauses while so much waits to be processed, all partitions together. Bytes. Default: 32 MiB. */
  readonly maxBufferedBytes?: number
  /** Likewise in records. Default: 100,000. */
  readonly maxBufferedRecords?: number
  /** A name for logs, telemetry and `groups` listings. Default: `millrace-<pid>`. */
  readonly clientId?: string
  /** Aborting is `close()`. */
  readonly signal?: AbortSignal
}

export interface RetryOptions {
  /** Calls of the handler in all, the first included. Default: 5. `Infinity` never gives up. */
  readonly attempts?: number
  /** Wait before the second attempt, doubled for each further one, with jitter (half to all of it). Milliseconds. Default: 100. */
  readonly backoffMs?: number
  /** Milliseconds. Default: 30,000. */
  readonly maxBackoffMs?: number
  /** False gives up at once. Default: all errors are tried again but `DecodeError`s. */
  readonly retryable?: (error: unknown) => boolean
}

export interface HandlerContext {
  /** Aborted when the attempt has lost its right to go on: partition lost, drain or `maxProcessingMs` over, or closing. */
  readonly signal: AbortSignal
  /** 1 for the first. */
  readonly attempt: number
  readonly group: string
  /**
   * Persists how far the partition is done: all that finished without a gap before it. For `checkpoint: 'manual'`; the record
   * or batch being handled counts once its handler has returned.
   */
  checkpoint(): Promise<void>
}

/** What a batch handler may answer: the positions that failed; the others are done. */
export interface BatchFailure {
  readonly failed: readonly Position[]
}

export interface RunOptions<R> {
  /** Called for each record; different keys of a partition run at once up to `concurrency`, records of one key never. */
  readonly each?: (record: R, context: HandlerContext) => unknown
  /** Called with consecutive records of one partition, one batch of a partition at a time. */
  readonly batch?: (batch: ConsumedBatch<R>, context: HandlerContext) => unknown
  /** Keys in work at once, over all partitions. Records without key run beside each other. Default: 1. */
  readonly concurrency?: number
  /** A batch handler gets at most so many records. Default: what was fetched. */
  readonly maxBatchRecords?: number
  readonly retry?: RetryOptions
  /** What becomes of a record that fails for good. Default: `stop()`. */
  readonly onPoison?: PoisonPolicy
  /** One attempt may take so long; then its signal aborts and the partition is given up. Milliseconds. Default: 300,000. */
  readonly maxProcessingMs?: number
  /** Aborting is `close()`. */
  readonly signal?: AbortSignal
}

/** Running figures of a consumer. */
export interface ConsumerStats {
  /** Records whose handling has ended, well or as poison. */
  readonly processed: number
  readonly retried: number
  readonly deadLettered: number
  readonly parked: number
  readonly skipped: number
  /** Held in memory now. */
  readonly bufferedBytes: number
  readonly bufferedRecords: number
  readonly assignments: readonly { readonly topic: string; readonly partition: string }[]
}
