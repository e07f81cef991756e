import type { ConsumedBatch } from '../batch.ts'
import type { From } from '../position.ts'
import type { ConsumerStats, RunOptions } from './options.ts'

/**
 * A member of a group. Use it one way: `run` with a handler, or `for await` with explicit checkpoints.
 * Joins when the first of these is called.
 */
export interface Consumer<R> extends AsyncDisposable, AsyncIterable<ConsumedBatch<R>> {
  /** Processes until `close()` or a signal (then resolves), or until something cannot be recovered (then rejects). */
  run(options: RunOptions<R>): Promise<void>
  /** Stops fetching; what is held is finished, ownership stays. All partitions, or those of one topic, or one. */
  pause(topic?: string, partition?: string): void
  resume(topic?: string, partition?: string): void
  /**
   * Moves partitions of this member: what is in work is finished or aborted first, then reading goes on from `to`.
   * A new delivery epoch begins. Rejects NOT_FOUND where the member has no such partition.
   */
  seek(to: From, topic?: string, partition?: string): Promise<void>
  readonly stats: ConsumerStats
  /**
   * Drains until `drainTimeoutMs`, checkpoints, leaves the group. Idempotent. Not to be awaited inside a handler, which it waits for:
   * abort a signal there, or leave the promise alone.
   */
  close(): Promise<void>
}
