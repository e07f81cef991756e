import type { Assignment, AssignmentEvents, Driver, GroupMember } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { From } from '../position.ts'
import { Checkpointer } from './checkpointer.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import { PartitionSession, type Processor, type SessionHost } from './partition-session.ts'
import type { PausedPartitions } from './paused-partitions.ts'

/** The last part of the drain time is for the checkpoint. */
const DRAIN_SHARE = 0.8

/** What the sessions of a member need of their consumer. */
export interface SessionsOwner {
  readonly driver: Driver
  readonly logger: Logger
  readonly settings: ConsumerSettings
  readonly paused: PausedPartitions
  readonly processor: Processor
  readonly member: Promise<GroupMember>
  /** Nothing is stored but what a batch or a handler asked for. */
  readonly byHand: boolean
  /** With `byHand`: a record is done only when it was checkpointed, so an ended partition may be stored as such. */
  readonly doneMeansCheckpointed: boolean
  fail(error: unknown): void
}

/** The partitions that a member holds: begins, drains, stores and ends their sessions as the group says. */
export class AssignedSessions implements AssignmentEvents {
  private readonly owner: SessionsOwner
  private readonly checkpointer: Checkpointer
  private readonly sessions = new Map<string, PartitionSession>()
  /** What the group gave and has not asked back. */
  private readonly held = new Set<string>()
  private maxStateBytes = Infinity
  private closing = false

  constructor(owner: SessionsOwner) {
    this.owner = owner
    this.checkpointer = new Checkpointer(owner.driver, owner.member, (session) => this.lose(session))
    owner.member.then(
      (member) => {
        this.maxStateBytes = member.maxStateBytes
      },
      () => {},
    )
  }

  [Symbol.iterator](): Iterator<PartitionSession> {
    return this.sessions.values()
  }

  assigned(assignment: Assignment): void {
    this.held.add(tenureOf(assignment))
    this.begin(assignment)
  }

  async revoked(assignment: Assignment): Promise<void> {
    this.held.delete(tenureOf(assignment))
    const session = this.sessionOf(assignment)
    if (session) await this.release(session)
  }

  lost(assignment: Assignment): void {
    const session = this.sessionOf(assignment)
    if (session) this.lose(session)
  }

  failed(error: StreamError): void {
    this.owner.fail(error)
  }

  /** Lets every session look again whether it may fetch. */
  poke(): void {
    for (const session of this.sessions.values()) session.poke()
  }

  /** Stores what one session has done; rejects where that fails. */
  async storeNow(session: PartitionSession): Promise<void> {
    const error = (await this.checkpointer.store([session])).get(session)
    if (error) throw error
  }

  /** Stores what all have done. What passes is tried again with the next call; the rest fails the consumer. */
  async storeAll(): Promise<void> {
    const failed = await this.checkpointer.store([...this.sessions.values()])
    for (const [session, error] of failed) {
      if (error.code !== 'FENCED' && !error.retryable && !session.gone) this.owner.fail(error)
    }
  }

  /** Ends a session and begins another at `to`. */
  async restart(session: PartitionSession, to: From): Promise<void> {
    const { assignment } = session
    await session.drain(this.owner.settings.drainTimeoutMs)
    await session.end(new StreamError('FENCED', 'the consumer was moved by seek().'))
    if (this.held.has(tenureOf(assignment)) && this.sessionOf(assignment) === session)
      this.begin(assignment, to)
  }

  /** Gives up a partition whose handler hangs; it may come back when that has ended. */
  async abandon(session: PartitionSession, ended: Promise<void>): Promise<void> {
    if (session.gone) return
    const { topic, partition } = session.assignment
    this.held.delete(tenureOf(session.assignment))
    this.owner.logger.error('a handler did not end within maxProcessingMs; its partition is given up', {
      topic,
      partition,
    })
    this.forget(session)
    const reason = `the handler did not end within maxProcessingMs; ${topic}/${partition} was given up.`
    void session.end(new StreamError('TIMEOUT', reason, { topic, partition }))
    try {
      const member = await this.owner.member
      await member.abandon(session.assignment)
      await ended
      if (!this.closing) await member.reclaim(topic, partition)
    } catch (error) {
      if (!this.closing) this.owner.fail(error)
    }
  }

  /** Nothing is held any more; what was not revoked before counts as lost. */
  end(): void {
    this.closing = true
    for (const session of this.sessions.values()) this.lose(session)
  }

  /** From now on nothing comes back. */
  beginClosing(): void {
    this.closing = true
  }

  private begin(assignment: Assignment, seekTo?: From): void {
    const topic = this.owner.settings.topics.get(assignment.topic)
    if (topic === undefined) return
    const session = new PartitionSession(this.host, assignment, topic, seekTo)
    this.sessions.set(keyOf(assignment), session)
    session.start()
  }

  private get host(): SessionHost {
    const { driver, settings, processor, paused } = this.owner
    return {
      driver,
      group: settings.group,
      processor,
      fetchMaxBytes: settings.fetchMaxBytes,
      maxStateBytes: () => this.maxStateBytes,
      share: () => {
        const sessions = Math.max(1, this.sessions.size)
        return {
          bytes: settings.maxBufferedBytes / sessions,
          records: settings.maxBufferedRecords / sessions,
        }
      },
      isPaused: (topic, partition) => paused.has(topic, partition),
      progressed: (session, records) => this.progressed(session, records),
      failed: (_session, error) => this.owner.fail(error),
    }
  }

  private progressed(session: PartitionSession, records: number): void {
    session.unsaved += records
    if (session.complete || session.unsaved >= this.owner.settings.checkpointRecords) this.storeSoon(session)
  }

  /** Stores outside of the caller's loop, once for all that finishes in this turn. */
  private storeSoon(session: PartitionSession): void {
    if (session.storing || !this.storesByItself(session)) return
    session.storing = true
    queueMicrotask(() => {
      void this.checkpointer.store([session]).finally(() => {
        session.storing = false
        if (session.unsaved >= this.owner.settings.checkpointRecords) this.storeSoon(session)
      })
    })
  }

  /** By hand, only the end of a partition is stored without being asked, once all of it was checkpointed. */
  private storesByItself(session: PartitionSession): boolean {
    if (!this.owner.byHand || this.owner.doneMeansCheckpointed) return true
    return session.complete && session.checkpoint === session.persisted
  }

  /** Drains, stores, and lets go: what a revocation asks for. */
  private async release(session: PartitionSession): Promise<void> {
    const { topic, partition } = session.assignment
    await session.drain(this.owner.settings.drainTimeoutMs * DRAIN_SHARE)
    if (!this.owner.byHand) {
      const failed = (await this.checkpointer.store([session])).get(session)
      if (failed && failed.code !== 'FENCED') {
        this.owner.logger.warn(
          'the last checkpoint of a revoked partition was not stored; its records come again',
          {
            topic,
            partition,
            error: failed.message,
          },
        )
      }
    }
    this.forget(session)
    const reason = `${topic}/${partition} was revoked: its new owner goes on.`
    await session.end(new StreamError('FENCED', reason, { topic, partition }))
  }

  private lose(session: PartitionSession): void {
    this.held.delete(tenureOf(session.assignment))
    if (session.gone) return
    const { topic, partition } = session.assignment
    this.forget(session)
    const reason = `${topic}/${partition} was lost to another member: stop, its new owner goes on.`
    void session.end(new StreamError('FENCED', reason, { topic, partition }))
  }

  private forget(session: PartitionSession): void {
    if (this.sessionOf(session.assignment) === session) this.sessions.delete(keyOf(session.assignment))
    this.poke()
  }

  private sessionOf(assignment: Assignment): PartitionSession | undefined {
    const session = this.sessions.get(keyOf(assignment))
    return session?.assignment.epoch === assignment.epoch ? session : undefined
  }
}

function keyOf(assignment: Assignment): string {
  return `${assignment.topic}/${assignment.partition}`
}

/** One acquisition of one partition. */
function tenureOf(assignment: Assignment): string {
  return `${keyOf(assignment)}@${assignment.epoch}`
}
