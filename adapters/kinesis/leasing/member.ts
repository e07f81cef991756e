import { randomUUID } from 'node:crypto'
import type {
  Assignment,
  AssignmentEvents,
  CheckpointUpdate,
  From,
  JoinOptions,
  StreamError,
} from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis, KinesisGroupMember } from '../parts.ts'
import { formatCheckpoint } from '../positions.ts'
import { askForLease, takeLease } from './acquire.ts'
import { Announcer } from './announcer.ts'
import { planTakes } from './balance.ts'
import type { Clock } from './clock.ts'
import { HeldLease, type Holder } from './held-lease.ts'
import { Holdings, MAX_STATE_BYTES } from './holdings.ts'
import { inParallel } from './in-parallel.ts'
import { type Lease, workerOf } from './lease.ts'
import { LeaseView, type SeenLease } from './lease-view.ts'
import { byShard, inheritedStates, isReadable } from './lineage.ts'
import { LostRows } from './lost-rows.ts'
import { createDue } from './maintenance.ts'
import { type Sight, seeTopics } from './see-topics.ts'
import type { CallTime, LeaseTable } from './tables/lease-table.ts'
import type { TopicKeys } from './topic-keys.ts'
import { Upkeep } from './upkeep.ts'

/** Requests of one kind on their way at a time. */
const WIDTH = 32
/** Sessions between two looks at the table, by what is there to be seen. */
const REST = {
  /** So that the death of another, who has a session from the look that saw its last sign of life, is found in less than two. */
  shared: 0.9,
  /** All leases are its own: whoever wants some asks for them by their rows. */
  alone: 2,
  /** Without a lease; with each look it says that it is there. */
  idle: 1 / 3,
}
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
  readonly #announcer: Announcer
  readonly #upkeep: Upkeep
  readonly #over = new AbortController()
  readonly #holdings: Holdings
  /** The last of each lease. */
  readonly #epochs = new Map<string, number>()
  /** Given up by `abandon`: lease keys not to be taken. */
  readonly #refused = new Set<string>()
  #topics: readonly TopicKeys[] = []
  #wakeLooks: AbortController | undefined
  #quickTurns = QUICK_TURNS
  #isTroubled = false
  #isTableGone = false
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
    const { kinesis, table, clock, random } = parts
    const { group, topics, sessionTimeoutMs: sessionMs } = options
    const me = this.memberId
    this.#holder = { me, sessionMs, table, clock, signal: this.#over.signal }
    this.#view = new LeaseView(sessionMs)
    this.#lost = new LostRows(table, sessionMs)
    this.#announcer = new Announcer({ table, clock, me, sessionMs, topics })
    this.#upkeep = new Upkeep({ kinesis, table, clock, random, group, me, sessionMs })
    this.#holdings = new Holdings({
      holder: this.#holder,
      group,
      drainTimeoutMs: options.drainTimeoutMs,
      events,
      logger: kinesis.logger,
      children: (held) => this.#childrenOf(held),
      onGone: (lease, isLost) => {
        if (isLost) this.#lost.noteOwn(lease)
        this.#lookNow()
      },
      // It tries again; what is given up for it is told of.
      onTrouble: (error) => {
        const { code, message } = classify(error)
        kinesis.logger.debug(`a lease of group '${group}' could not be confirmed: ${message}`)
        if (code !== 'NOT_FOUND' || this.#isTableGone) return
        this.#isTableGone = true
        this.#lookNow()
      },
      // Another has left, and what it had is free.
      onRow: (lease) => {
        this.#isTableGone = false
        if (this.#view.tellsOfLeaving(lease)) this.#lookNow()
      },
    })
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
    member.#looking = member.#keepLooking()
    void member.#holdings.keepRenewing()
    return member
  }

  async checkpoint(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]> {
    return inParallel(updates, WIDTH, async (update) => {
      try {
        await this.#holdings.checkpoint(update)
        return undefined
      } catch (error) {
        return classify(error)
      }
    })
  }

  async abandon(assignment: Assignment): Promise<void> {
    const held = this.#holdings.find(assignment)
    if (held === undefined) return
    this.#refused.add(held.lease.key)
    await this.#holdings.abandon(held)
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
    const hadSome = this.#holdings.size > 0
    await this.#holdings.giveUpAll()
    await this.#looking
    await this.#announcer.retire().catch(() => {})
    if (hadSome) await this.#announcer.sayFarewell(this.#view.leases).catch(() => {})
    this.#end()
  }

  #end(): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#holdings.loseAll()
    this.#onEnd(this)
  }

  #fail(error: StreamError): void {
    if (this.#over.signal.aborted) return
    this.#holdings.forgetAll()
    this.#events.failed(error)
    this.#end()
  }

  /** Of a lease that ends: they have theirs before it is done. */
  async #childrenOf({ assignment, lease }: HeldLease): Promise<readonly string[]> {
    const { kinesis, table } = this.#parts
    const { topic, partition } = assignment
    const map = await kinesis.streams.shards(topic, { maxAgeMs: 0 })
    const keys = this.#topics.find((each) => each.topic === topic)!
    const known = byShard(this.#ofTopic(keys))
    known.set(partition, { ...lease, checkpoint: { kind: 'end' } })
    await createDue({ table, group: this.#options.group, map, keys }, known)
    return map.shard(partition)?.children ?? []
  }

  async #keepLooking(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#over
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
      this.#wakeLooks = new AbortController()
      await clock.sleep(this.#pauseMs(quick), AbortSignal.any([signal, this.#wakeLooks.signal]))
    }
  }

  /** Until the next look: it is due when something could be found. */
  #pauseMs(quick: boolean): number {
    const { clock, random } = this.#parts
    const { sessionTimeoutMs } = this.#options
    const chance = 0.9 + 0.2 * random()
    if (quick) return Math.max(20, sessionTimeoutMs / 12) * chance
    const expiresInMs = Math.min(...this.#view.leases.map((seen) => seen.expiresInMs ?? Infinity))
    const expiresAt = this.#view.askedAt + expiresInMs + 1
    return Math.max(20, Math.min(sessionTimeoutMs * this.#rest() * chance, expiresAt - clock.now()))
  }

  #rest(): number {
    if (this.#holdings.size === 0) return REST.idle
    const isMine = ({ lease }: SeenLease): boolean => this.#holdings.has(lease.key)
    return this.#idleOthers().length === 0 && this.#eligible().every(isMine) ? REST.alone : REST.shared
  }

  /** Looks at the table and does what is due. True: things are on the move, look again soon. */
  async #look(): Promise<boolean> {
    const { clock, table, random } = this.#parts
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
    for (const held of this.#holdings) {
      const row = rows.get(held.lease.key)
      // Asked for by another, or no longer what it was: a sign of life tells.
      if (row === undefined || row.checkpointOwner === this.memberId || workerOf(row) !== this.memberId) {
        void this.#holdings.renew(held)
      }
    }
    const eligible = this.#eligible()
    const granted = eligible.filter(
      ({ lease }) =>
        lease.owner === this.memberId &&
        lease.checkpointOwner === undefined &&
        !this.#holdings.has(lease.key) &&
        !this.#refused.has(lease.key),
    )
    const plan = planTakes({
      me: this.memberId,
      leases: eligible,
      idle: this.#idleOthers(),
      refused: this.#refused,
      // Others see it within that.
      patienceMs: sessionTimeoutMs,
      promiseMs: drainTimeoutMs + sessionTimeoutMs,
      random,
    })
    const take = new Map<string, Lease>()
    for (const lease of [...granted.map((seen) => seen.lease), ...plan.take]) take.set(lease.key, lease)
    await inParallel([...take.values()], WIDTH, (lease) => this.#take(lease))
    // Where another was faster with the first, it wants the same others too.
    for (const lease of plan.ask) if (!(await askForLease(table, lease, this.memberId, this.#callTime))) break
    const isIdle = this.#holdings.size === 0 && !leases.some(({ owner }) => owner === this.memberId)
    if (this.#leaving === undefined) await this.#announcer.keep(isIdle, leases)
    await this.#upkeep.keep(this.#topics, this.#view)
    return plan.unsettled || granted.length > 0
  }

  /** A table that was deleted is made again. */
  async #list(): Promise<Lease[]> {
    const { table } = this.#parts
    try {
      return await table.list(this.#callTime)
    } catch (error) {
      if (classify(error).code !== 'NOT_FOUND') throw error
      this.#parts.kinesis.logger.warn(
        `the lease table '${table.name}' is gone: it is made again of what its members know`,
      )
      await table.prepare()
      return []
    }
  }

  /** Longer than that no answer is of use. */
  get #callTime(): CallTime {
    return { timeoutMs: Math.max(1_000, this.#options.sessionTimeoutMs) }
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
    const sentAt = clock.now()
    const row = await takeLease(table, lease, this.memberId, sessionTimeoutMs, this.#callTime)
    if (row === undefined || this.#over.signal.aborted || this.#holdings.has(lease.key)) return
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
    this.#holdings.add(held)
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
