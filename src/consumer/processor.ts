import type { PartitionSession } from './partition-session.ts'
import type { WorkEntry } from './work-entry.ts'

/** What is done with fetched records: lanes for `each`, one batch after another for `batch`, a queue for `for await`. */
export interface Processor {
  /** New records of a session, in order. */
  accept(session: PartitionSession, entry: WorkEntry): void
  /**
   * Starts nothing more of the session but what closes gaps below records that were started, waits for no retry, and resolves
   * when nothing of it is in work.
   */
  drain(session: PartitionSession): Promise<void>
  /** Forgets the session; what is in work may end when it likes, nobody looks any more. */
  drop(session: PartitionSession): void
  /** Looks for attempts that take too long; called every so often with the time since some origin, milliseconds. */
  watch(now: number): void
}
