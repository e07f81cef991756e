import { type Assignment, StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import { formatCheckpoint } from '../positions.ts'
import type { Clock } from './clock.ts'
import { type Lease, workerOf } from './lease.ts'
import type { LeaseChange, LeaseCondition, LeaseTable } from './tables/lease-table.ts'

/** The part of the session after which an unconfirmed lease is given up: nobody can have it before all of it is over. */
const SAFE_SHARE = 0.9

export interface Holder {
  readonly me: string
  readonly sessionMs: number
  readonly table: LeaseTable
  readonly clock: Clock
  /** Ends pauses between attempts. */
  readonly signal: AbortSignal
}

/**
 * A lease that this member has, from acquisition to loss. Its writes go one after the other, each under the counter that the last one left; the
 * object itself is the token of the acquisition that is never stored: when it is gone, nothing is written by it any more.
 */
export class HeldLease {
  readonly assignment: Assignment
  /** The row as last known. */
  lease: Lease
  /** Asked to be given to another. */
  revoking = false
  /** Nothing may be written by it any more. */
  gone = false
  readonly #holder: Holder
  /** When the write was sent that last confirmed it. */
  #confirmedAt: number
  #triedAt = Number.NEGATIVE_INFINITY
  /** When the last write was sent of which it is not known whether it was done. */
  #doubtfulAt = Number.NEGATIVE_INFINITY
  #last: Promise<unknown> = Promise.resolve()
  #writes = 0
  #releasing = false

  constructor(holder: Holder, lease: Lease, assignment: Assignment, confirmedAt: number) {
    this.#holder = holder
    this.lease = lease
    this.assignment = assignment
    this.#confirmedAt = confirmedAt
  }

  /** From then on it may be another's. */
  get deadline(): number {
    return this.#confirmedAt + SAFE_SHARE * this.#holder.sessionMs
  }

  /** When its next sign of life is due. */
  get renewAt(): number {
    const { sessionMs } = this.#holder
    return Math.max(this.#confirmedAt + sessionMs / 3, this.#triedAt + sessionMs / 12)
  }

  get isWriting(): boolean {
    return this.#writes > 0
  }

  /** Another is waiting for it. */
  get isPromised(): boolean {
    return this.lease.checkpointOwner === this.#holder.me
  }

  /** A sign of life; one attempt. Resolves false where the lease is no longer this member's. Rejects where that is not known. */
  renew(): Promise<boolean> {
    return this.#write({}, 1)
  }

  /** Tries until it is done, the lease is lost (false), or could be (rejects with the last error). */
  checkpoint(change: LeaseChange): Promise<boolean> {
    return this.#write(change, Infinity)
  }

  /** Lets go: for the one who waits, or for anyone. Best effort; it expires by itself. */
  async release(): Promise<void> {
    const { me } = this.#holder
    this.gone = true
    this.#releasing = true
    await this.#write((lease) => {
      if (lease.checkpointOwner === me) return { checkpointOwner: null, owner: lease.owner!, switched: true }
      return { owner: null }
    }, 3).catch(() => {})
  }

  #write(change: LeaseChange | ((lease: Lease) => LeaseChange), attempts: number): Promise<boolean> {
    this.#writes++
    const written = this.#last.then(() => this.#attempt(change, attempts))
    this.#last = written.catch(() => {})
    return written.finally(() => {
      this.#writes--
    })
  }

  async #attempt(change: LeaseChange | ((lease: Lease) => LeaseChange), attempts: number): Promise<boolean> {
    const { table, clock, signal, sessionMs } = this.#holder
    let pauseMs = sessionMs / 50
    for (let left = attempts; ; ) {
      if (this.gone && !this.#releasing) return false
      const { lease } = this
      const next = typeof change === 'function' ? change(lease) : change
      const sentAt = clock.now()
      if (sentAt >= this.deadline) throw unconfirmed(this.assignment)
      this.#triedAt = sentAt
      try {
        const timeoutMs = Math.min(10_000, Math.max(sessionMs / 3, 200))
        const outcome = await table.update(
          lease,
          { counter: lease.counter, ...this.#mine() },
          { ...next, counter: lease.counter + 1 },
          { timeoutMs },
        )
        if (outcome.done) {
          this.lease = outcome.lease
          this.#confirmedAt = sentAt
          return true
        }
        if (outcome.lease === undefined || workerOf(outcome.lease) !== this.#holder.me) {
          // An end whose answer was lost leaves no worker.
          return next.checkpoint?.kind === 'end' && outcome.lease?.checkpoint.kind === 'end'
        }
        // Another has asked for it, or a write was done whose answer was lost: that one was a sign of life too.
        const written = outcome.lease.counter > lease.counter
        this.lease = outcome.lease
        if (!written) continue
        this.#confirmedAt = Math.max(this.#confirmedAt, this.#doubtfulAt)
        if (says(outcome.lease, next)) return true
      } catch (error) {
        const failure = classify(error)
        this.#doubtfulAt = sentAt
        // A table that was deleted keeps nobody out, but nobody else is in it either until the session is over.
        if (--left <= 0 || !(failure.retryable || failure.code === 'NOT_FOUND')) throw failure
        if (clock.now() + pauseMs >= this.deadline) throw failure
        await clock.sleep(pauseMs * (0.5 + 0.5 * Math.random()), signal)
        pauseMs = Math.min(pauseMs * 2, sessionMs / 6)
      }
    }
  }

  /** How the row shows that it is still this member's; once another waits for it, that is known. */
  #mine(): LeaseCondition {
    const { me } = this.#holder
    return this.isPromised ? { worker: me } : { owner: me, checkpointOwner: null }
  }
}

/** Whether a row that was written says all of that already. */
function says(lease: Lease, { checkpoint, state, owner, checkpointOwner }: LeaseChange): boolean {
  if (state !== undefined || owner !== undefined || checkpointOwner !== undefined) return false
  return checkpoint === undefined || formatCheckpoint(checkpoint) === formatCheckpoint(lease.checkpoint)
}

function unconfirmed({ topic, partition }: Assignment): StreamError {
  return new StreamError(
    'UNAVAILABLE',
    `the lease of ${topic}/${partition} could not be confirmed in time and may be another's: look whether the lease table can be reached`,
    { topic, partition },
  )
}
