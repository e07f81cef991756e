import { randomUUID } from 'node:crypto'
import {
  type Assignment,
  type AssignmentEvents,
  type CheckpointUpdate,
  type From,
  type JoinOptions,
  StreamError,
} from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis, KinesisGroupMember } from '../parts.ts'
import { formatCheckpoint, parseCheckpoint, type ResumePoint } from '../positions.ts'
import { planTakes } from './balance.ts'
import type { Clock } from './clock.ts'
import { HeldLease, type Holder } from './held-lease.ts'
import { inParallel } from './in-parallel.ts'
import { isEnded, type Lease, workerOf } from './lease.ts'
import { announcement, LeaseView, type SeenLease } from './lease-view.ts'
import { byShard, inheritedStates, isReadable } from './lineage.ts'
import { LostRows } from './lost-rows.ts'
import { createDue, maintain } from './maintenance.ts'
import { type Sight, seeTopics } from './see-topics.ts'
import type { LeaseTable } from './tables/lease-table.ts'
import type { TopicKeys } from './topic-keys.ts'

export const MAX_STATE_BYTES = 256 * 1024
/** Requests of one kind on their way at a time. */
const WIDTH = 32
/** After joining it looks more often for so many turns: others give up what it asks for. */
const QUICK_TURNS = 4

export interface MemberParts {
  readonly kinesis: Kinesis
  readonly table: LeaseTable
  readonly clock: Clock
  /** Where a shard is begun at a topic's first sight. */
  readonly findStart: Sight['findStart']
  readonly random: () => number
}

/**
 * A member of a group whose partitions go by leases. Three things run beside each other and beside the handlers: signs of life for what it has,
 * looks at the table for what it should have, and (in one member of the group) the upkeep of the table. All times derive from `sessionMs`.
 */
export class LeaseMember implements KinesisGroupMember {
  readonly memberId: string
  readonly maxStateBytes = MAX_STATE_BYTES
  readonly #parts: MemberParts
  readonly #options: JoinOptions
  readonly #from: From
  readonly #events: AssignmentEvents
  readonly #onEnd: (member: LeaseMember) => void
  readonly #holder: Holder
  readonly #view: LeaseView
  readonly #lost: LostRows
  readonly #over = new AbortController()
  /** By lease key. */
  readonly #held = new Map<string, HeldLease>()
  readonly #epochs = new Map<string, number>()
  /** Given up by `abandon`: lease keys not to be taken. */
  readonly #refused = new Set<string>()
  #topics: readonly TopicKeys[] = []
  #wakeRenewals: AbortController | undefined
  #wakeLooks: AbortController | undefined
  #quickTurns = QUICK_TURNS
  #beats = 0
  #nextBeatAt = 0
  #announcedOn: string | undefined
  #nextUpkeepAt = 0
  #lastUpkeepAt = Number.NEGATIVE_INFINITY
  #isTroubled = false
  #looking: Promise<void> | undefined
  #leaving: Promise<void> | undefined

  private constructor(
    parts: MemberParts,
    options: JoinOptions,
    from: From,
    events: AssignmentEvents,
    onEnd: (member: LeaseMember) => void,
  ) {
    this.memberId = `${options.clientId}-${randomUUID()}`
    this.#parts = parts
    this.#options = options
    this.#from = from
    this.#events = events
    this.#onEnd = onEnd
    const { table, clock } = parts
    this.#holder = {
      me: this.memberId,
      sessionMs: options.sessionTimeoutMs,
      table,
      clock,
      signal: this.#over.signal,
    }
    this.#view = new LeaseView(options.sessionTimeoutMs)
    this.#lost = new LostRows(table, options.sessionTimeoutMs)
  }

  /** The topics are there and seen by the group when it resolves. */
  static async join(
    parts: MemberParts,
    options: JoinOptions,
    from: From,
    events: AssignmentEvents,
    onEnd: (member: LeaseMember) => void,
  ): Promise<LeaseMember> {
    const member = new LeaseMember(parts, options, from, events, onEnd)
    await member.#see()
    member.#nextUpkeepAt = parts.clock.now() + member.#upkeepMs
    member.#looking = member.#keepLooking()
    void member.#keepRenewing()
    return member
  }

  async checkpoint(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]> {
    return inParallel(updates, WIDTH, async (update) => {
      try {
        await this.#checkpoint(update)
        return undefined
      } catch (error) {
        return classify(error)
      }
    })
  }

  async abandon(assignment: Assignment): Promise<void> {
    const held = this.#heldBy(assignment)
    if (held === undefined) return
    this.#held.delete(held.lease.key)
    this.#refused.add(held.lease.key)
    await held.release()
  }

  async reclaim(topic: string, partition: string): Promise<void> {
    const keys = this.#topics.find((each) => each.topic === topic)
    if (keys !== undefined) this.#refused.delete(keys.keyOf(partition))
    this.#lookNow()
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async stop(): Promise<void> {
    this.#leaving ??= Promise.resolve()
    this.#end()
  }

  async #leave(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#wakeLooks?.abort()
    await Promise.all([...this.#held.values()].map((held) => this.#giveUp(held)))
    await this.#looking
    const row = this.#announcedOn
    if (row !== undefined) await this.#parts.table.announce(row, this.memberId, null).catch(() => {})
    this.#end()
  }

  #end(): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    for (const held of [...this.#held.values()]) this.#lose(held)
    this.#onEnd(this)
  }

  #fail(error: StreamError): void {
    if (this.#over.signal.aborted) return
    for (const held of this.#held.values()) held.gone = true
    this.#held.clear()
    this.#events.failed(error)
    this.#end()
  }

  // ---------------------------------------------------------------- what it has

  async #checkpoint({ assignment, checkpoint, state, ended }: CheckpointUpdate): Promise<void> {
    const { topic, partition } = assignment
    const point = parseCheckpoint(checkpoint)
    if (state !== undefined && state.length > MAX_STATE_BYTES) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a state of ${state.length} bytes for partition ${partition} of '${topic}': at most ${MAX_STATE_BYTES} are stored with a checkpoint`,
        { topic, partition },
      )
    }
    const held = this.#heldBy(assignment)
    if (held === undefined || this.#parts.clock.now() >= held.deadline) {
      if (held !== undefined) this.#lose(held)
      throw fenced(assignment, this.#options.group)
    }
    const change = { checkpoint: point, ...(state === undefined ? {} : { state }) }
    const done = ended === true ? await this.#finish(held, change) : await held.checkpoint(change)
    if (!done) {
      this.#lose(held)
      throw fenced(assignment, this.#options.group)
    }
    if (held.isPromised) this.#revoke(held)
  }

  /** The children have their leases before their parent is done, so that no crash leaves them without. */
  async #finish(held: HeldLease, change: { checkpoint: ResumePoint; state?: Uint8Array }): Promise<boolean> {
    const { kinesis, table } = this.#parts
    const { topic, partition } = held.assignment
    const map = await kinesis.streams.shards(topic, { maxAgeMs: 0 })
    const keys = this.#topics.find((each) => each.topic === topic)!
    const known = byShard(this.#ofTopic(keys))
    known.set(partition, { ...held.lease, checkpoint: { kind: 'end' } })
    await createDue({ table, group: this.#options.group, map, keys }, known)
    const done = await held.checkpoint({
      ...change,
      checkpoint: { kind: 'end' },
      children: map.shard(partition)?.children ?? [],
      owner: null,
      checkpointOwner: null,
    })
    if (done) {
      held.gone = true
      this.#held.delete(held.lease.key)
      // The session is over; nothing of it is left to store.
      void this.#events.revoked(held.assignment).catch(() => {})
      this.#lookNow()
    }
    return done
  }

  /** Another waits for it: drained while signs of life go on, then given. */
  #revoke(held: HeldLease): void {
    if (held.revoking || held.gone) return
    void this.#giveUp(held)
  }

  async #giveUp(held: HeldLease): Promise<void> {
    held.revoking = true
    const late = new AbortController()
    const drained = this.#events.revoked(held.assignment).catch(() => {})
    const { clock } = this.#parts
    const isDrained = await Promise.race([
      drained.then(() => true),
      clock.sleep(this.#options.drainTimeoutMs, late.signal).then(() => false),
    ])
    late.abort()
    if (held.gone) return
    if (!isDrained) this.#lose(held)
    this.#held.delete(held.lease.key)
    await held.release()
    this.#lookNow()
  }

  #lose(held: HeldLease): void {
    if (held.gone) return
    held.gone = true
    if (this.#held.get(held.lease.key) === held) this.#held.delete(held.lease.key)
    this.#lost.noteOwn(held.lease)
    this.#events.lost(held.assignment)
    this.#lookNow()
  }

  #heldBy({ topic, partition, epoch }: Assignment): HeldLease | undefined {
    for (const held of this.#held.values()) {
      const { assignment } = held
      if (assignment.topic === topic && assignment.partition === partition) {
        return assignment.epoch === epoch ? held : undefined
      }
    }
    return undefined
  }

  async #keepRenewing(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      const now = clock.now()
      let next = now + this.#options.sessionTimeoutMs
      for (const held of [...this.#held.values()]) {
        if (now >= held.deadline) {
          this.#parts.kinesis.logger.warn('a lease could not be confirmed in time and is given up', {
            topic: held.assignment.topic,
            partition: held.assignment.partition,
          })
          this.#lose(held)
          continue
        }
        if (now >= held.renewAt && !held.isWriting) void this.#renew(held)
        const retryAt = now + this.#options.sessionTimeoutMs / 12
        next = Math.min(next, held.deadline, Math.max(held.renewAt, held.isWriting ? retryAt : now))
      }
      this.#wakeRenewals = new AbortController()
      await clock.sleep(next - now, AbortSignal.any([signal, this.#wakeRenewals.signal]))
    }
  }

  async #renew(held: HeldLease): Promise<void> {
    try {
      const isMine = await held.renew()
      if (!isMine) this.#lose(held)
      else if (held.isPromised) this.#revoke(held)
    } catch (error) {
      this.#trouble(error)
    }
  }

  // ---------------------------------------------------------------- what it should have

  async #keepLooking(): Promise<void> {
    const { clock, random } = this.#parts
    const { signal } = this.#over
    const { sessionTimeoutMs } = this.#options
    while (!signal.aborted && this.#leaving === undefined) {
      let unsettled = false
      try {
        unsettled = await this.#look()
        this.#isTroubled = false
      } catch (error) {
        this.#overcome(error)
      }
      if (signal.aborted || this.#leaving !== undefined) return
      const quick = unsettled || this.#quickTurns > 0
      if (this.#quickTurns > 0) this.#quickTurns--
      const pause = quick ? Math.max(20, sessionTimeoutMs / 12) : sessionTimeoutMs / 3
      this.#wakeLooks = new AbortController()
      await clock.sleep(pause * (0.9 + 0.2 * random()), AbortSignal.any([signal, this.#wakeLooks.signal]))
    }
  }

  /** Looks at the table and does what is due. True: things are on the move, look again soon. */
  async #look(): Promise<boolean> {
    const { clock, random } = this.#parts
    const { sessionTimeoutMs, drainTimeoutMs } = this.#options
    const askedAt = clock.now()
    const before = this.#view.leases.map(({ lease }) => lease)
    const leases = await this.#list()
    await this.#lost.restore(before, leases, askedAt)
    this.#view.update(leases, askedAt, clock.now())
    if (this.#leaving !== undefined) return false
    // Another member found other names for them at the same time.
    const isUnknown = ({ owns }: TopicKeys): boolean => !leases.some(owns) && !this.#lost.some(owns)
    if (this.#topics.some(isUnknown)) await this.#see()
    const rows = new Map(leases.map((lease) => [lease.key, lease]))
    for (const held of this.#held.values()) {
      const row = rows.get(held.lease.key)
      // Asked for by another, or no longer what it was: the next sign of life tells.
      if (row === undefined || row.checkpointOwner === this.memberId || workerOf(row) !== this.memberId) {
        if (!held.isWriting) void this.#renew(held)
      }
    }
    const eligible = this.#eligible()
    const granted = eligible.filter(
      ({ lease }) =>
        lease.owner === this.memberId &&
        lease.checkpointOwner === undefined &&
        !this.#held.has(lease.key) &&
        !this.#refused.has(lease.key),
    )
    const plan = planTakes({
      me: this.memberId,
      leases: eligible,
      idle: this.#idleOthers(),
      refused: this.#refused,
      patienceMs: sessionTimeoutMs / 2,
      promiseMs: drainTimeoutMs + sessionTimeoutMs,
      random,
    })
    const take = new Map<string, Lease>()
    for (const lease of [...granted.map((seen) => seen.lease), ...plan.take]) take.set(lease.key, lease)
    await inParallel([...take.values()], WIDTH, (lease) => this.#take(lease))
    for (const lease of plan.ask) if (!(await this.#ask(lease))) break
    await this.#announce(leases)
    const now = clock.now()
    if (now >= this.#nextUpkeepAt) await this.#upkeep()
    else if (this.#childrenAreMissing() && now >= this.#lastUpkeepAt + sessionTimeoutMs) await this.#upkeep()
    return plan.unsettled || granted.length > 0
  }

  /** A table that was deleted is made again. */
  async #list(): Promise<Lease[]> {
    const { table } = this.#parts
    try {
      return await table.list({ timeoutMs: Math.max(1_000, this.#options.sessionTimeoutMs) })
    } catch (error) {
      if (classify(error).code !== 'NOT_FOUND') throw error
      this.#parts.kinesis.logger.warn(
        `the lease table '${table.name}' is gone: it is made again of what its members know`,
      )
      await table.prepare()
      return []
    }
  }

  #ofTopic(keys: TopicKeys): Lease[] {
    return this.#view.leases.map(({ lease }) => lease).filter((lease) => keys.owns(lease))
  }

  #eligible(): SeenLease[] {
    return this.#topics.flatMap((keys) => {
      const own = this.#view.leases.filter(({ lease }) => keys.owns(lease))
      const known = byShard(own.map(({ lease }) => lease))
      return own.filter(({ lease }) => isReadable(lease, known))
    })
  }

  #idleOthers(): string[] {
    const topics = new Set(this.#options.topics)
    return this.#view.idle
      .filter(
        ({ id, alive, topics: its }) => alive && id !== this.memberId && its.some((it) => topics.has(it)),
      )
      .map(({ id }) => id)
  }

  async #take(lease: Lease): Promise<void> {
    const { table, clock } = this.#parts
    const { sessionTimeoutMs } = this.#options
    const me = this.memberId
    const wasOthers = lease.owner !== undefined && (lease.owner !== me || lease.checkpointOwner !== undefined)
    const change = {
      counter: lease.counter + 1,
      owner: me,
      checkpointOwner: null,
      sessionMs: sessionTimeoutMs,
      ...(wasOthers ? { switched: true as const } : {}),
    }
    const sentAt = clock.now()
    const outcome = await table.update(lease, { counter: lease.counter }, change)
    const row = outcome.lease
    const isMine =
      outcome.done ||
      // Done by an attempt whose answer was lost: nobody else writes this member's id.
      (row?.owner === me && row.checkpointOwner === undefined && row.counter === lease.counter + 1)
    if (!isMine || row === undefined || this.#over.signal.aborted || this.#held.has(lease.key)) return
    // The answer came so late that it may be another's again: the next look tells.
    if (clock.now() >= sentAt + sessionTimeoutMs / 2) return
    const keys = this.#topics.find((each) => each.owns(row))!
    const epoch = Math.max(row.counter, (this.#epochs.get(row.key) ?? 0) + 1)
    this.#epochs.set(row.key, epoch)
    const assignment: Assignment = {
      topic: keys.topic,
      partition: row.shard,
      epoch,
      checkpoint: formatCheckpoint(row.checkpoint),
      state: row.state,
      inherited: row.parents.length === 0 ? [] : inheritedStates(row, byShard(this.#ofTopic(keys))),
    }
    const held = new HeldLease(this.#holder, row, assignment, sentAt)
    if (this.#leaving !== undefined) return held.release()
    this.#held.set(row.key, held)
    this.#events.assigned(assignment)
    this.#wakeRenewals?.abort()
  }

  /** KCL's graceful hand-off: the one who has it gives it when it has drained. False: another was faster. */
  async #ask(lease: Lease): Promise<boolean> {
    const outcome = await this.#parts.table.update(
      lease,
      { owner: lease.owner!, checkpointOwner: null },
      { owner: this.memberId, checkpointOwner: lease.owner! },
    )
    return outcome.done
  }

  /** Who has a lease is seen by that; others say that they are there, for an even share and for those who ask. */
  async #announce(leases: readonly Lease[]): Promise<void> {
    const { table } = this.#parts
    const { sessionTimeoutMs, topics } = this.#options
    const counts = this.#held.size > 0 || leases.some(({ owner }) => owner === this.memberId)
    const row = counts
      ? undefined
      : leases.reduce<string | undefined>((a, { key }) => (a! < key ? a : key), undefined)
    const before = this.#announcedOn
    if (before !== undefined && before !== row) {
      this.#announcedOn = undefined
      await table.announce(before, this.memberId, null)
    }
    const now = this.#parts.clock.now()
    if (row === undefined || this.#leaving !== undefined) return
    if (before === row && now < this.#nextBeatAt) return
    this.#nextBeatAt = now + sessionTimeoutMs / 4
    this.#announcedOn = row
    await table.announce(row, this.memberId, announcement(++this.#beats, sessionTimeoutMs, topics))
  }

  // ---------------------------------------------------------------- upkeep

  get #upkeepMs(): number {
    return 12 * this.#options.sessionTimeoutMs
  }

  /** A lease that ended without children of it being there: its member died in between, or the service was late to tell of them. */
  #childrenAreMissing(): boolean {
    const keys = new Set(this.#view.leases.map(({ lease }) => `${lease.stream} ${lease.shard}`))
    return this.#view.leases.some(
      ({ lease }) =>
        isEnded(lease) &&
        this.#topics.some((topic) => topic.owns(lease)) &&
        lease.children.some((id) => !keys.has(`${lease.stream} ${id}`)),
    )
  }

  /** By one member of the group: of those seen, the first. */
  async #upkeep(): Promise<void> {
    this.#lastUpkeepAt = this.#parts.clock.now()
    this.#nextUpkeepAt = this.#lastUpkeepAt + this.#upkeepMs * (0.9 + 0.2 * this.#parts.random())
    // KCL's workers look after their own way of it.
    const workers = this.#view.leases.flatMap(({ lease, available }) =>
      available || lease.sessionMs === undefined ? [] : [workerOf(lease)!],
    )
    const first = [...workers, ...this.#idleOthers(), this.memberId].sort()[0]
    const { kinesis, table } = this.#parts
    for (const keys of this.#topics) {
      // Everybody finds out when a topic is gone; the rest is done once.
      const map = await kinesis.streams.shards(keys.topic, { maxAgeMs: this.#options.sessionTimeoutMs })
      if (first === this.memberId) await maintain({ table, group: this.#options.group, map, keys })
    }
    if (first !== this.memberId) return
    for (const { id, row, alive } of this.#view.idle) if (!alive) await table.announce(row, id, null)
  }

  async #see(): Promise<void> {
    const { kinesis, table, findStart } = this.#parts
    const { group, topics } = this.#options
    this.#topics = await seeTopics({ kinesis, table, group, topics, from: this.#from, findStart })
  }

  #lookNow(): void {
    this.#quickTurns = Math.max(this.#quickTurns, 2)
    this.#wakeLooks?.abort()
  }

  // ---------------------------------------------------------------- trouble

  #trouble(error: unknown): StreamError {
    const failure = classify(error)
    const { logger } = this.#parts.kinesis
    if (!this.#isTroubled) {
      logger.warn(
        `the leases of group '${this.#options.group}' cannot be looked after for now: ${failure.message}`,
      )
    }
    this.#isTroubled = true
    return failure
  }

  #overcome(error: unknown): void {
    const failure = this.#trouble(error)
    if (this.#over.signal.aborted || failure.retryable) return
    this.#fail(failure)
  }
}

function fenced({ topic, partition, epoch }: Assignment, group: string): StreamError {
  return new StreamError(
    'FENCED',
    `partition ${partition} of '${topic}' is no longer assigned to this member of group '${group}' (epoch ${epoch}): its records come again to the present owner, stop working on them`,
    { topic, partition },
  )
}
