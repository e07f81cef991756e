import {
  type Assignment,
  type AssignmentEvents,
  type CheckpointUpdate,
  type Logger,
  StreamError,
} from '../../../src/driver.ts'
import { parseCheckpoint } from '../positions.ts'
import type { HeldLease, Holder } from './held-lease.ts'
import type { Lease } from './lease.ts'

export const MAX_STATE_BYTES = 256 * 1024

export interface HoldingsParts {
  readonly holder: Holder
  readonly group: string
  readonly drainTimeoutMs: number
  readonly events: AssignmentEvents
  readonly logger: Logger
  /** Sees to it that the children of a lease that ends have theirs; resolves with their shards. */
  readonly children: (held: HeldLease) => Promise<readonly string[]>
  /** A lease was let go, and how its row stood then. */
  readonly onGone: (lease: Lease, isLost: boolean) => void
  readonly onTrouble: (error: unknown) => void
  /** A row was written, and stands so now. */
  readonly onRow: (lease: Lease) => void
}

/** The leases that a member has: signs of life for them, their checkpoints, and how they go. */
export class Holdings {
  readonly #parts: HoldingsParts
  readonly #held = new Map<string, HeldLease>()
  #wake: AbortController | undefined

  constructor(parts: HoldingsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#held.size
  }

  [Symbol.iterator](): Iterator<HeldLease> {
    return this.#held.values()
  }

  has(key: string): boolean {
    return this.#held.has(key)
  }

  add(held: HeldLease): void {
    this.#held.set(held.lease.key, held)
    this.#parts.events.assigned(held.assignment)
    this.#wake?.abort()
  }

  /** Rejects FENCED where the assignment is over; INVALID_ARGUMENT; or as the table does when it is not known for as long as it may be. */
  async checkpoint({ assignment, checkpoint, state, ended }: CheckpointUpdate): Promise<void> {
    const { topic, partition } = assignment
    const point = parseCheckpoint(checkpoint)
    if (state !== undefined && state.length > MAX_STATE_BYTES) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a state of ${state.length} bytes for partition ${partition} of '${topic}': at most ${MAX_STATE_BYTES} are stored with a checkpoint`,
        { topic, partition },
      )
    }
    const held = this.find(assignment)
    if (held !== undefined && this.#parts.holder.clock.now() >= held.deadline) this.lose(held)
    if (held === undefined || held.gone) throw this.#fenced(assignment)
    const change = { checkpoint: point, ...(state === undefined ? {} : { state }) }
    const done = ended === true ? await this.#finish(held, change) : await held.checkpoint(change)
    if (!done) {
      this.lose(held)
      throw this.#fenced(assignment)
    }
    this.#parts.onRow(held.lease)
    if (held.isPromised) this.#revoke(held)
  }

  find({ topic, partition, epoch }: Assignment): HeldLease | undefined {
    for (const held of this.#held.values()) {
      const { assignment } = held
      if (assignment.topic === topic && assignment.partition === partition) {
        return assignment.epoch === epoch ? held : undefined
      }
    }
    return undefined
  }

  /** Lets one go at once, without drain or event. */
  async abandon(held: HeldLease): Promise<void> {
    this.#held.delete(held.lease.key)
    await held.release()
  }

  /** Drains and lets go of all. */
  async giveUpAll(): Promise<void> {
    await Promise.all(Array.from(this.#held.values(), (held) => this.#giveUp(held)))
  }

  lose(held: HeldLease): void {
    if (held.gone) return
    held.gone = true
    if (this.#held.get(held.lease.key) === held) this.#held.delete(held.lease.key)
    this.#parts.events.lost(held.assignment)
    this.#parts.onGone(held.lease, true)
  }

  loseAll(): void {
    for (const held of [...this.#held.values()]) this.lose(held)
  }

  /** All are over, and the member is told otherwise. */
  forgetAll(): void {
    for (const held of this.#held.values()) held.gone = true
    this.#held.clear()
  }

  /** Signs of life in time, until the member is over; what could not be confirmed is lost before it can be another's. */
  async keepRenewing(): Promise<void> {
    const { holder, logger } = this.#parts
    const { clock, signal, sessionMs } = holder
    while (!signal.aborted) {
      const now = clock.now()
      let next = now + sessionMs
      for (const held of [...this.#held.values()]) {
        if (now >= held.deadline) {
          const { topic, partition } = held.assignment
          logger.warn('a lease could not be confirmed in time and is given up', { topic, partition })
          this.lose(held)
          continue
        }
        if (now >= held.renewAt) void this.renew(held)
        const again = held.isWriting ? now + sessionMs / 12 : now
        next = Math.min(next, held.deadline, Math.max(held.renewAt, again))
      }
      this.#wake = new AbortController()
      await clock.sleep(next - now, AbortSignal.any([signal, this.#wake.signal]))
    }
  }

  /** A sign of life now, unless a write is on its way that is one. */
  async renew(held: HeldLease): Promise<void> {
    if (held.isWriting) return
    try {
      const isMine = await held.renew()
      if (!isMine) this.lose(held)
      else {
        this.#parts.onRow(held.lease)
        if (held.isPromised) this.#revoke(held)
      }
    } catch (error) {
      this.#parts.onTrouble(error)
    }
  }

  /** The children have their leases before their parent is done, so that no crash leaves them without. */
  async #finish(held: HeldLease, change: { readonly state?: Uint8Array }): Promise<boolean> {
    const children = await this.#parts.children(held)
    const done = await held.checkpoint({
      ...change,
      checkpoint: { kind: 'end' },
      children,
      owner: null,
      checkpointOwner: null,
    })
    if (!done) return false
    held.gone = true
    this.#held.delete(held.lease.key)
    // The session is over; nothing of it is left to store.
    if (!held.revoking) void this.#parts.events.revoked(held.assignment).catch(() => {})
    this.#parts.onGone(held.lease, false)
    return true
  }

  /** Another waits for it. */
  #revoke(held: HeldLease): void {
    if (!held.revoking && !held.gone) void this.#giveUp(held)
  }

  /** Drained while signs of life go on, then given. */
  async #giveUp(held: HeldLease): Promise<void> {
    const { events, holder, drainTimeoutMs, onGone } = this.#parts
    held.revoking = true
    const late = new AbortController()
    const isDrained = await Promise.race([
      events.revoked(held.assignment).then(
        () => true,
        () => true,
      ),
      holder.clock.sleep(drainTimeoutMs, late.signal).then(() => false),
    ])
    late.abort()
    if (held.gone) return
    if (!isDrained) this.lose(held)
    this.#held.delete(held.lease.key)
    await held.release()
    onGone(held.lease, false)
  }

  #fenced({ topic, partition, epoch }: Assignment): StreamError {
    return new StreamError(
      'FENCED',
      `partition ${partition} of '${topic}' is no longer assigned to this member of group '${this.#parts.group}' (epoch ${epoch}): its records come again to the present owner, stop working on them`,
      { topic, partition },
    )
  }
}
