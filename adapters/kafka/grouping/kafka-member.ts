import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Assignment,
  type AssignmentEvents,
  type CheckpointUpdate,
  type JoinOptions,
  StreamError,
} from '../../../src/driver.ts'
import { formatCheckpoint, parseCheckpoint } from '../checkpoints.ts'
import { classify } from '../classify.ts'
import { Outage } from '../outage.ts'
import { partitionNumber } from '../partition-number.ts'
import type { GroupOffsets, JoinGroup, KafkaCluster, KafkaGroupMember } from '../parts.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { FetchedOffset } from '../wire/protocol/offset-fetch.ts'
import { keyOf } from './assign-partitions.ts'
import { ClassicMembership } from './classic-membership.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { committedOffsets } from './group-requests.ts'
import type { Membership, MembershipHost } from './membership.ts'
import { memberTransactionalId } from './orphaned-transactions.ts'
import { type OffsetOf, storeOffsets } from './store-offsets.ts'
import { decodeState, encodeState, MAX_STATE_BYTES } from './stored-state.ts'

/** One partition in this member's hands. */
interface Held extends TopicPartition {
  /** `acquiring`: dealt to this member, and it is being asked where to resume. */
  state: 'acquiring' | 'held' | 'draining'
  assignment: Assignment | undefined
  /** What stands beside its last checkpoint. */
  metadata: string
  /** Dealt to this member again while it drained. */
  again: boolean
}

/** A drain's end is told to the group with others that follow closely. Milliseconds. */
const GATHER_MS = 100
/** After the core's own deadline, for what it has to say about it. Milliseconds. */
const GRACE_MS = 250
/** What is dealt to a member and cannot be begun for so long is told to the log. Milliseconds. */
const TELL_MS = 5_000
const MAX_INT32 = 2 ** 31 - 1
/** How long a rebalance waits for members; they answer at once, whatever they drain. Milliseconds. */
const LEAST_REBALANCE_MS = 5_000

/** Becomes a member. Rejects NOT_FOUND for a missing topic, INVALID_ARGUMENT, UNAVAILABLE. */
export const joinGroup: JoinGroup = async (cluster, options, events, onClose) => {
  checkJoin(options)
  for (const topic of options.topics) await cluster.wire.topic(topic, { maxAgeMs: 1_000 })
  const member = new KafkaMember(cluster, options, events, onClose)
  try {
    await member.start()
  } catch (error) {
    await member.stop()
    throw classify(error)
  }
  return member
}

/**
 * A member of a group. It claims what it holds, drains or is about to begin whenever the group is rebalanced, and nobody else
 * is given what is claimed: so a partition goes on only when its owner has let go of it, and an owner that is gone is one whose
 * member id the coordinator no longer takes.
 */
class KafkaMember implements KafkaGroupMember, MembershipHost {
  readonly maxStateBytes = MAX_STATE_BYTES
  readonly #cluster: KafkaCluster
  readonly #options: JoinOptions
  readonly #events: AssignmentEvents
  readonly #onClose: (member: KafkaGroupMember) => void
  readonly #membership: Membership
  readonly #held = new Map<string, Held>()
  readonly #refused = new Map<string, TopicPartition>()
  /** Claimed when the group was last rebalanced, and not dealt to this member again: to be let go of. */
  #toRelease = new Set<string>()
  #gathering: NodeJS.Timeout | undefined
  #leaving: Promise<void> | undefined
  #emptied = Promise.withResolvers<void>()
  // One request at a time, so that no checkpoint overtakes another.
  #storing: Promise<unknown> = Promise.resolve()

  constructor(
    cluster: KafkaCluster,
    options: JoinOptions,
    events: AssignmentEvents,
    onClose: (member: KafkaGroupMember) => void,
  ) {
    const { group, from, sessionTimeoutMs, drainTimeoutMs, instanceId = null } = options
    this.#cluster = cluster
    this.#options = options
    this.#events = events
    this.#onClose = onClose
    const whole = (ms: number): number => Math.min(MAX_INT32, Math.ceil(ms))
    const common = {
      group,
      from,
      instanceId,
      sessionTimeoutMs: whole(sessionTimeoutMs),
    }
    if (cluster.groupProtocol === 'consumer') {
      // From when it is told of the revocation until it is heard to have let go: what takes longer has the member thrown out.
      const rebalanceTimeoutMs = whole(drainTimeoutMs + LEAST_REBALANCE_MS)
      this.#membership = new ConsumerMembership(cluster, { ...common, rebalanceTimeoutMs }, this)
    } else {
      const rebalanceTimeoutMs = whole(Math.max(LEAST_REBALANCE_MS, drainTimeoutMs, sessionTimeoutMs))
      this.#membership = new ClassicMembership(cluster, { ...common, rebalanceTimeoutMs }, this)
    }
  }

  start(): Promise<void> {
    return this.#membership.start()
  }

  get memberId(): string {
    return this.#membership.memberId
  }

  // ------------------------------------------------------------- what the membership asks and tells

  /** One that leaves wants nothing more; a static one keeps its place. */
  get topics(): readonly string[] {
    const leaves = this.#leaving !== undefined && this.#membership.instanceId === null
    return leaves ? [] : this.#options.topics
  }

  owned(): readonly TopicPartition[] {
    return Array.from(this.#held.values(), ({ topic, partition }) => ({ topic, partition }))
  }

  refused(): readonly TopicPartition[] {
    return [...this.#refused.values()]
  }

  assigned(partitions: readonly TopicPartition[], claimed: readonly TopicPartition[]): void {
    const dealt = new Map(partitions.map((partition) => [keyOf(partition), partition]))
    this.#toRelease = new Set(claimed.map(keyOf).filter((key) => !dealt.has(key)))
    for (const [key, held] of this.#held) {
      held.again = held.state === 'draining' && dealt.has(key)
      if (dealt.has(key)) continue
      if (held.state === 'acquiring') this.#drop(key)
      else if (held.state === 'held') void this.#revoke(key, held)
    }
    const fresh: Held[] = []
    for (const [key, partition] of dealt) {
      // One that is refused may still come from a leader of another library: it then waits for `reclaim`.
      if (this.#held.has(key) || this.#refused.has(key) || this.#leaving !== undefined) continue
      fresh.push(this.#acquiring(partition))
    }
    if (fresh.length > 0) void this.#acquire(fresh)
    this.#releaseSoon()
  }

  expelled(): void {
    this.#loseAll()
  }

  failed(error: StreamError): void {
    const failing = this.#leaving === undefined
    this.#forgetAll()
    if (failing) this.#events.failed(error)
    void this.stop()
  }

  // ------------------------------------------------------------- what the core asks

  async checkpoint(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]> {
    const results: (StreamError | undefined)[] = new Array(updates.length).fill(undefined)
    const wanted: OffsetOf[] = []
    for (const [i, update] of updates.entries()) {
      try {
        wanted.push({ ...this.#toOffset(update), assignment: update.assignment, index: i })
      } catch (error) {
        results[i] = classify(error)
      }
    }
    if (wanted.length === 0) return results
    const storing = this.#storing.then(() =>
      storeOffsets(this.#cluster, this.#options.group, this.#membership, {
        offsets: wanted,
        fenced: (assignment) => this.#fencing(assignment),
        stored: ({ assignment, metadata }) => this.#stored(assignment, metadata),
        failed: ({ index }, error) => {
          results[index] = error
        },
      }),
    )
    this.#storing = storing.catch(() => {})
    await storing
    return results
  }

  offsetCommit(updates: readonly CheckpointUpdate[]): GroupOffsets {
    const offsets = updates.map((update) => {
      const fencing = this.#fencing(update.assignment)
      if (fencing !== undefined) throw fencing
      const offset = this.#toOffset(update)
      // Should the transaction be aborted, the core gives the state again with the next checkpoint.
      this.#stored(update.assignment, offset.metadata)
      return offset
    })
    const { memberId, generation, instanceId } = this.#membership
    return { group: this.#options.group, memberId, generation, groupInstanceId: instanceId, offsets }
  }

  transactionalId(): string {
    return memberTransactionalId(this.#options.group, this.memberId)
  }

  async abandon(assignment: Assignment): Promise<void> {
    const key = keyOfAssignment(assignment)
    if (this.#held.get(key)?.assignment?.epoch !== assignment.epoch) return
    const partition = partitionNumber(assignment.topic, assignment.partition)
    this.#refused.set(key, { topic: assignment.topic, partition })
    this.#drop(key)
    this.#membership.rejoin()
  }

  async reclaim(topic: string, partition: string): Promise<void> {
    if (this.#refused.delete(`${topic}/${partition}`)) this.#membership.rejoin()
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** Leaves at once: what it holds is lost. */
  async stop(): Promise<void> {
    this.#leaving ??= Promise.resolve()
    clearTimeout(this.#gathering)
    this.#loseAll()
    await this.#membership.stop()
    this.#onClose(this)
  }

  // -------------------------------------------------------------

  async #leave(): Promise<void> {
    // Afterwards, so that `topics` is empty for whoever asks.
    await undefined
    for (const [key, held] of this.#held) {
      held.again = false
      if (held.state === 'acquiring') this.#drop(key)
      else if (held.state === 'held') void this.#revoke(key, held)
    }
    if (this.#held.size > 0) await this.#emptied.promise
    await this.#storing
    await this.stop()
  }

  #acquiring({ topic, partition }: TopicPartition): Held {
    const held: Held = {
      topic,
      partition,
      state: 'acquiring',
      assignment: undefined,
      metadata: '',
      again: false,
    }
    this.#held.set(keyOf(held), held)
    return held
  }

  /** Begins what it was dealt, each when it is known where to resume. */
  async #acquire(fresh: readonly Held[]): Promise<void> {
    const { group } = this.#options
    const what = `where group '${group}' resumes in ${fresh.map(keyOf).join(', ')} is not known`
    const outage = new Outage(this.#cluster.logger, what, { group }, TELL_MS)
    const since = performance.now()
    for (let pauseMs = 10; ; pauseMs = Math.min(250, pauseMs * 2)) {
      const pending = fresh.filter(
        (held) => held.state === 'acquiring' && this.#held.get(keyOf(held)) === held,
      )
      if (pending.length === 0 || this.#membership.over) return outage.passed()
      let trouble = new StreamError(
        'UNAVAILABLE',
        'nobody has stored where it begins: look after the members',
      )
      try {
        const options = { stable: true, lane: this.#membership.lane }
        const committed = await committedOffsets(this.#cluster, group, pending, options)
        for (const offset of committed) if (offset.offset >= 0) this.#begin(offset)
        const missing = pending.filter(({ state }) => state === 'acquiring')
        if (missing.length > 0) await this.#membership.begin(missing, performance.now() - since)
      } catch (error) {
        const failure = classify(error)
        if (this.#membership.over) return
        if (!failure.retryable) return this.failed(failure)
        trouble = failure
      }
      // Somebody stores where the group begins.
      if (pending.every(({ state }) => state !== 'acquiring')) continue
      outage.failed(trouble)
      await sleep(pauseMs)
    }
  }

  #begin(committed: FetchedOffset): void {
    const held = this.#held.get(keyOf(committed))
    if (held?.state !== 'acquiring' || this.#membership.over) return
    const { topic, partition, offset, leaderEpoch, metadata } = committed
    held.state = 'held'
    held.metadata = metadata ?? ''
    held.assignment = {
      topic,
      partition: String(partition),
      epoch: this.#membership.epoch(),
      checkpoint: formatCheckpoint(offset, leaderEpoch),
      state: decodeState(metadata),
      inherited: [],
    }
    this.#events.assigned(held.assignment)
  }

  async #revoke(key: string, held: Held): Promise<void> {
    const assignment = held.assignment as Assignment
    held.state = 'draining'
    const timer = new AbortController()
    const lateMs = Math.min(MAX_INT32, this.#options.drainTimeoutMs + GRACE_MS)
    const late = sleep(lateMs, 'late', { signal: timer.signal })
    const outcome = await Promise.race([this.#events.revoked(assignment), late]).catch(() => undefined)
    timer.abort()
    late.catch(() => {})
    // Lost meanwhile: then there is nothing to let go of.
    if (this.#held.get(key) !== held) return
    if (outcome === 'late') this.#events.lost(assignment)
    this.#drop(key)
    if (held.again && this.#leaving === undefined) void this.#acquire([this.#acquiring(held)])
    this.#releaseSoon()
  }

  /** Tells the group what this member has let go of: at once when that is all, else with what follows soon. */
  #releaseSoon(): void {
    const left = [...this.#toRelease]
    if (left.length === 0) return
    const gone = left.filter((key) => !this.#held.has(key))
    if (gone.length === left.length) return this.#release()
    if (gone.length > 0) this.#gathering ??= setTimeout(() => this.#release(), GATHER_MS)
  }

  #release(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#toRelease = new Set()
    this.#membership.rejoin()
  }

  #drop(key: string): void {
    this.#held.delete(key)
    if (this.#held.size > 0) return
    this.#emptied.resolve()
    this.#emptied = Promise.withResolvers<void>()
  }

  #forgetAll(): Assignment[] {
    const lost = [...this.#held.values()].flatMap(({ assignment }) => assignment ?? [])
    for (const key of [...this.#held.keys()]) this.#drop(key)
    return lost
  }

  #loseAll(): void {
    for (const assignment of this.#forgetAll()) this.#events.lost(assignment)
  }

  #fencing({ topic, partition, epoch }: Assignment): StreamError | undefined {
    const held = this.#held.get(`${topic}/${partition}`)
    if (held?.assignment?.epoch === epoch) return undefined
    return new StreamError(
      'FENCED',
      `partition ${partition} of '${topic}' is no longer this member's of group '${this.#options.group}': its new owner goes on`,
      { topic, partition },
    )
  }

  #stored({ topic, partition, epoch }: Assignment, metadata: string): void {
    const held = this.#held.get(`${topic}/${partition}`)
    if (held?.assignment?.epoch === epoch) held.metadata = metadata
  }

  /** INVALID_ARGUMENT for a malformed checkpoint and for a state that is too large. */
  #toOffset({ assignment, checkpoint, state }: CheckpointUpdate) {
    const { topic, partition } = assignment
    if (state !== undefined && state.length > MAX_STATE_BYTES) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `a state of ${state.length} bytes for partition ${partition} of '${topic}': at most ${MAX_STATE_BYTES} are stored with a checkpoint`,
        { topic, partition },
      )
    }
    const kept = this.#held.get(`${topic}/${partition}`)?.metadata ?? ''
    const metadata = state === undefined ? kept : encodeState(state)
    return { topic, partition: partitionNumber(topic, partition), ...parseCheckpoint(checkpoint), metadata }
  }
}

const keyOfAssignment = ({ topic, partition }: Assignment): string => `${topic}/${partition}`

function checkJoin({ group, topics, sessionTimeoutMs, drainTimeoutMs }: JoinOptions): void {
  const complain = (what: string): never => {
    throw new StreamError('INVALID_ARGUMENT', what)
  }
  if (group === '') complain('a group without a name: give it one')
  if (topics.length === 0) complain(`group '${group}' without topics: give at least one`)
  if (!(sessionTimeoutMs > 0)) complain(`sessionTimeoutMs ${sessionTimeoutMs}: give milliseconds above 0`)
  if (!(drainTimeoutMs >= 0)) complain(`drainTimeoutMs ${drainTimeoutMs}: give milliseconds, 0 or more`)
}
