import { randomUUID } from 'node:crypto'
import {
  type Assignment,
  type AssignmentEvents,
  type CheckpointUpdate,
  type GroupMember,
  type JoinOptions,
  StreamError,
} from '../../../src/driver.ts'
import type {
  JoinGroupRequest,
  MemberRef,
  PartitionClaim,
  PlainAssignment,
  PlainCheckpoint,
} from '../broker/broker-api.ts'
import { fromRefusal } from '../broker/refusal.ts'
import type { BrokerLink } from '../broker-link.ts'
import { classify } from '../classify.ts'
import { keepAlive } from '../keep-alive.ts'
import { parseOffset, toPlainFrom } from '../offsets.ts'
import { pause } from '../pause.ts'
import { unlessAborted } from '../unless-aborted.ts'

interface Held {
  readonly assignment: Assignment
  revoking: boolean
}

const MAX_STATE_BYTES = 256 * 1024
const RETRY_MS = 200

/**
 * A member of a group. What it has is told by the broker's answers to its heartbeat, each of which is the whole: an
 * answer that is lost or comes twice changes nothing.
 */
export class LogMember implements GroupMember {
  readonly memberId: string
  readonly maxStateBytes = MAX_STATE_BYTES
  readonly #link: BrokerLink
  readonly #join: JoinGroupRequest
  readonly #events: AssignmentEvents
  readonly #onEnd: (member: LogMember) => void
  readonly #held = new Map<string, Held>()
  // Answers that were on their way while a partition was released still speak of it.
  readonly #newestEpoch = new Map<string, number>()
  readonly #over = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #leaving: Promise<void> | undefined

  private constructor(
    link: BrokerLink,
    join: JoinGroupRequest,
    events: AssignmentEvents,
    onEnd: (member: LogMember) => void,
  ) {
    this.memberId = join.memberId
    this.#link = link
    this.#join = join
    this.#events = events
    this.#onEnd = onEnd
  }

  static async join(
    link: BrokerLink,
    options: JoinOptions,
    events: AssignmentEvents,
    onEnd: (member: LogMember) => void,
  ): Promise<LogMember> {
    const { group, clientId, sessionTimeoutMs, drainTimeoutMs } = options
    checkJoin(options)
    const request: JoinGroupRequest = {
      group,
      memberId: `${clientId}-${randomUUID()}`,
      topics: [...new Set(options.topics)],
      from: toPlainFrom(options.from),
      clientId,
      sessionTimeoutMs,
      drainTimeoutMs,
      owner: link.owner,
    }
    await link.joinGroup(request)
    const member = new LogMember(link, request, events, onEnd)
    void member.#run()
    return member
  }

  /** How the broker knows it. */
  get ref(): MemberRef {
    return { group: this.#join.group, memberId: this.memberId }
  }

  async checkpoint(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]> {
    const results: (StreamError | undefined)[] = new Array(updates.length).fill(undefined)
    const plain: PlainCheckpoint[] = []
    const places: number[] = []
    for (const [i, update] of updates.entries()) {
      try {
        plain.push(this.toPlain(update))
        places.push(i)
      } catch (error) {
        results[i] = classify(error)
      }
    }
    if (plain.length === 0) return results
    const answer = await this.#link.checkpoint({ ...this.ref, updates: plain })
    for (const [j, refusal] of answer.results.entries()) {
      if (refusal !== null) results[places[j]!] = fromRefusal(refusal)
    }
    return results
  }

  /** INVALID_ARGUMENT for a malformed checkpoint and for a state that is too large. */
  toPlain({ assignment, checkpoint, state, ended }: CheckpointUpdate): PlainCheckpoint {
    const { topic, partition, epoch } = assignment
    if (state !== undefined && state.length > MAX_STATE_BYTES) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a state of ${state.length} bytes for partition ${partition} of '${topic}': at most ${MAX_STATE_BYTES} are stored with a checkpoint`,
        { topic, partition },
      )
    }
    return {
      topic,
      partition,
      epoch,
      checkpoint: parseOffset(checkpoint),
      ...(state === undefined ? {} : { state: Buffer.from(state).toString('base64') }),
      ...(ended === true ? { ended } : {}),
    }
  }

  /** Whether the assignment is still this member's, as far as it knows. */
  holds({ topic, partition, epoch }: Assignment): boolean {
    return this.#held.get(keyOf(topic, partition))?.assignment.epoch === epoch
  }

  async abandon({ topic, partition, epoch }: Assignment): Promise<void> {
    const key = keyOf(topic, partition)
    if (this.#held.get(key)?.assignment.epoch === epoch) this.#held.delete(key)
    await this.#link.abandon({ ...this.ref, topic, partition, epoch })
  }

  reclaim(topic: string, partition: string): Promise<void> {
    return this.#link.reclaim({ ...this.ref, topic, partition })
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** Leaves at once: what it holds is lost. */
  async stop(): Promise<void> {
    this.#leaving ??= this.#ended.promise
    await this.#end()
  }

  async #leave(): Promise<void> {
    if (this.#over.signal.aborted) return
    try {
      // One who reads nothing: the broker asks for all it has, and gives each partition on as it is released.
      await this.#link.joinGroup({ ...this.#join, topics: [] })
      this.#endIfDone()
    } catch {
      await this.#end()
    }
    await this.#ended.promise
  }

  async #run(): Promise<void> {
    const letGo = keepAlive()
    const waitMs = Math.max(20, Math.floor(this.#join.sessionTimeoutMs / 3))
    const { signal } = this.#over
    let seen = ''
    while (!signal.aborted) {
      try {
        const request = { ...this.ref, seen, waitMs }
        const answer = await unlessAborted(this.#link.syncGroup(request, signal), signal)
        if (answer.status === 'ok') {
          seen = answer.seen
          this.#apply(answer.assignments)
        } else if (answer.status === 'failed') {
          await this.#fail(fromRefusal(answer.error))
        } else {
          seen = ''
          this.#apply([])
          if (this.#leaving === undefined) await this.#link.joinGroup(this.#join)
        }
        this.#endIfDone()
      } catch (error) {
        if (signal.aborted) break
        const failure = classify(error)
        if (failure.retryable) await unlessAborted(pause(RETRY_MS), signal).catch(() => {})
        else await this.#fail(failure)
      }
    }
    letGo()
  }

  #apply(assignments: readonly PlainAssignment[]): void {
    const named = new Map(assignments.map((plain) => [keyOf(plain.topic, plain.partition), plain]))
    for (const [key, { assignment }] of this.#held) {
      if (named.get(key)?.epoch === assignment.epoch) continue
      this.#held.delete(key)
      this.#events.lost(assignment)
    }
    for (const [key, plain] of named) {
      let held = this.#held.get(key)
      if (held === undefined) {
        if (plain.epoch <= (this.#newestEpoch.get(key) ?? 0)) {
          // Either the answer is older than the release, and this one changes nothing, or the release was lost.
          this.#release(plain)
          continue
        }
        this.#newestEpoch.set(key, plain.epoch)
        held = { assignment: toAssignment(plain), revoking: false }
        this.#held.set(key, held)
        this.#events.assigned(held.assignment)
      }
      if (plain.revoke && !held.revoking) void this.#revoke(key, held)
    }
  }

  async #revoke(key: string, held: Held): Promise<void> {
    held.revoking = true
    const { assignment } = held
    await this.#events.revoked(assignment).catch(() => {})
    // Lost meanwhile: then there is nothing to release.
    if (this.#held.get(key) !== held) return
    this.#held.delete(key)
    this.#release(assignment)
    this.#endIfDone()
  }

  #release({ topic, partition, epoch }: PartitionClaim): void {
    const partitions = [{ topic, partition, epoch }]
    // What fails is done by the next answer that still speaks of it, or by the drain's deadline at the broker.
    this.#link.releasePartitions({ ...this.ref, partitions }).catch(() => {})
  }

  #endIfDone(): void {
    if (this.#leaving !== undefined && this.#held.size === 0) void this.#end()
  }

  async #end(): Promise<void> {
    if (this.#over.signal.aborted) return this.#ended.promise
    this.#over.abort()
    this.#onEnd(this)
    this.#loseAll()
    await this.#link.leaveGroup(this.ref).catch(() => {})
    this.#ended.resolve()
  }

  async #fail(error: StreamError): Promise<void> {
    this.#held.clear()
    this.#events.failed(error)
    await this.#end()
  }

  #loseAll(): void {
    const held = [...this.#held.values()]
    this.#held.clear()
    for (const { assignment } of held) this.#events.lost(assignment)
  }
}

const keyOf = (topic: string, partition: string): string => `${topic}/${partition}`

function toAssignment(plain: PlainAssignment): Assignment {
  const { topic, partition, epoch, checkpoint, state, inherited = [] } = plain
  return {
    topic,
    partition,
    epoch,
    checkpoint: String(checkpoint),
    state: state == null ? null : Buffer.from(state, 'base64'),
    inherited: inherited.map((parent) => Buffer.from(parent, 'base64')),
  }
}

function checkJoin({ group, topics, sessionTimeoutMs, drainTimeoutMs }: JoinOptions): void {
  const complain = (what: string): never => {
    throw new StreamError('INVALID_ARGUMENT', what)
  }
  if (group === '') complain('a group without a name: give it one')
  if (topics.length === 0) complain(`group '${group}' without topics: give at least one`)
  if (!(sessionTimeoutMs > 0)) complain(`sessionTimeoutMs ${sessionTimeoutMs}: give milliseconds above 0`)
  if (!(drainTimeoutMs >= 0)) complain(`drainTimeoutMs ${drainTimeoutMs}: give milliseconds, 0 or more`)
}
