import { setTimeout as sleep } from 'node:timers/promises'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import { Outage } from '../outage.ts'
import type { KafkaCluster } from '../parts.ts'
import { isStale, KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { heartbeat } from '../wire/protocol/heartbeat.ts'
import { joinGroup } from '../wire/protocol/join-group.ts'
import { joinGroupStatic } from '../wire/protocol/join-group-static.ts'
import { leaveGroup } from '../wire/protocol/leave-group.ts'
import { offsetCommit } from '../wire/protocol/offset-commit.ts'
import { syncGroup } from '../wire/protocol/sync-group.ts'
import { retrying } from '../wire/retry.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeSubscription,
  type Subscription,
} from './consumer-protocol.ts'
import { describeClassic } from './describe-group.ts'
import { coordinatorOf, refusedByCoordinator } from './group-requests.ts'
import { Leadership } from './leadership.ts'
import type { Membership, MembershipHost, MembershipOptions } from './membership.ts'
import { abortOrphanedTransactions } from './orphaned-transactions.ts'
import { sameInstance, withoutStaticMembers } from './static-members.ts'
import type { Term } from './store-beginnings.ts'
import { tenure } from './tenure.ts'

/** The one that Apache's clients know by this name, so that they can be in the group too. */
const PROTOCOL = 'cooperative-sticky'
const INVALID_SESSION_TIMEOUT = 26
/** What brokers take, unless set otherwise (group.min.session.timeout.ms); shorter sessions are doubled up to there. */
const LEAST_SESSION_MS = 6_000
const MAX_HEARTBEAT_MS = 1_000
/** Brokers that are only slow are not to be left for it. Milliseconds. */
const LEAST_BEAT_MS = 1_000
const MAX_PAUSE_MS = 1_000
/**
 * Who joins waits for those who do not answer. Where that takes longer than with members of this library, asking again changes
 * nothing; and a coordinator that hangs is noticed. Milliseconds.
 */
const JOIN_MS = 10_000
const LEAVE_MS = 2_000
const START_MS = 30_000
/** By then a leader of this library has stored where the group begins; Apache's leave that to the members. Milliseconds. */
const LEADER_MS = 5_000
const MISSING_MS = 3_000

let memberships = 0

/**
 * A member's side of Kafka's classic group protocol: joins, takes what it is dealt, sends heartbeats, and joins again whenever
 * the group or its own member asks for it. Rebalances are cooperative (KIP-429): what stays is worked on through them.
 */
export class ClassicMembership implements Membership {
  /** Joining waits at the broker: it has a connection of its own, which heartbeats use in between. */
  readonly lane: string
  readonly instanceId: string | null
  readonly offsetCommit = offsetCommit
  memberId = ''
  generation = -1
  readonly #cluster: KafkaCluster
  readonly #options: MembershipOptions
  readonly #host: MembershipHost
  readonly #leadership: Leadership
  readonly #over = new AbortController()
  readonly #outage: Outage
  #sessionTimeoutMs: number
  #incarnation = 0
  /** What the group knew of this static member before; undefined of one that is new. */
  #before: Subscription | undefined
  /** Another member has this one's name: that is for good. */
  #replaced: StreamError | undefined
  #leads = false
  /** `performance.now()` since when one of its topics is unknown to the brokers. */
  #missingSince: number | undefined
  #joining = false
  #rejoin = false
  #wake: (() => void) | undefined
  #moved = Promise.withResolvers<void>()

  constructor(cluster: KafkaCluster, options: MembershipOptions, host: MembershipHost) {
    this.#cluster = cluster
    this.#options = options
    this.#host = host
    const { group, from, instanceId, sessionTimeoutMs } = options
    this.#leadership = new Leadership(cluster, group, from)
    // By then it may be somebody else who has what it holds.
    this.#outage = new Outage(cluster.logger, `group '${group}' is not reached`, { group }, sessionTimeoutMs)
    this.#sessionTimeoutMs = sessionTimeoutMs
    this.instanceId = instanceId
    this.lane = `group-${++memberships}`
  }

  get over(): boolean {
    return this.#over.signal.aborted
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  get joining(): boolean {
    return this.#joining
  }

  get moved(): Promise<void> {
    return this.#moved.promise
  }

  epoch(): number {
    return tenure(this.generation, this.#incarnation, 0)
  }

  async start(): Promise<void> {
    const deadline = performance.now() + START_MS
    if (this.instanceId !== null) await this.#lookBack(this.instanceId, deadline)
    await this.#joinUntilIn(deadline)
    if (this.#before !== undefined) this.#resume(this.#before)
    void this.#run()
  }

  rejoin(): void {
    this.#rejoin = true
    this.#wake?.()
  }

  expel(memberId: string): void {
    if (memberId !== this.memberId || memberId === '') return
    this.memberId = ''
    this.generation = -1
    this.#host.expelled()
    this.#announce()
    this.rejoin()
  }

  async begin(own: readonly TopicPartition[], waitedMs: number): Promise<void> {
    if (this.#leads || waitedMs < LEADER_MS) return
    await this.#leadership.beginAlone(this.#term, own, this.signal)
  }

  async stop(): Promise<void> {
    if (this.over) return
    this.#over.abort(
      new StreamError('CLOSED', `the member has left group '${this.#options.group}': join again`),
    )
    this.#wake?.()
    this.#announce()
    const { wire } = this.#cluster
    // A static member keeps its place until its session is over (KIP-345).
    if (this.memberId !== '' && this.instanceId === null) {
      const members = [{ memberId: this.memberId, groupInstanceId: null }]
      const request = { group: this.#options.group, members }
      // Unheard, it is taken for dead after its session.
      await wire
        .request(this.#coordinator, leaveGroup, request, { lane: this.lane, timeoutMs: LEAVE_MS })
        .catch(() => {})
    }
    wire.closeLane(this.lane)
    wire.closeLane(this.#joinLane)
  }

  get #term(): Term {
    const { memberId, generation, instanceId, lane } = this
    return { memberId, generation, instanceId, lane }
  }

  get #coordinator() {
    return coordinatorOf(this.#options.group)
  }

  get #joinLane(): string {
    return `${this.lane}-join`
  }

  get #joinMs(): number {
    return Math.max(JOIN_MS, this.#options.rebalanceTimeoutMs + 5_000)
  }

  async #run(): Promise<void> {
    while (!this.over) {
      try {
        await this.#beat()
        if (!this.over) await this.#joinUntilIn(Number.POSITIVE_INFINITY)
      } catch (error) {
        if (this.over) return
        this.#host.failed(classify(error))
        return
      }
    }
  }

  async #joinUntilIn(deadline: number): Promise<void> {
    this.#joining = true
    try {
      for (let pauseMs = 20; !this.over; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
        try {
          if (await this.#join()) return this.#outage.passed()
        } catch (error) {
          if (this.over) return
          const failure = classify(error)
          // Fenced: the group has moved on while this member joined, so that it joins again.
          const passes = (failure.retryable || failure.code === 'FENCED') && failure !== this.#replaced
          if (!passes || performance.now() > deadline) throw failure
          this.#outage.failed(failure)
          await this.#pause(pauseMs)
        }
      }
    } finally {
      this.#joining = false
    }
  }

  /** One round; false where the next one is to follow at once. */
  async #join(): Promise<boolean> {
    const { group, rebalanceTimeoutMs } = this.#options
    const { wire } = this.#cluster
    this.#rejoin = false
    const claimed = this.#host.owned()
    const subscription = {
      topics: this.#host.topics,
      owned: claimed,
      generation: this.generation,
      refused: this.#host.refused(),
      incarnation: this.#incarnation,
    }
    const joined = await wire
      .request(
        this.#coordinator,
        this.instanceId === null ? joinGroup : joinGroupStatic,
        {
          group,
          sessionTimeoutMs: this.#sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.memberId,
          groupInstanceId: this.instanceId,
          protocolType: 'consumer',
          protocols: [{ name: PROTOCOL, metadata: encodeSubscription(subscription) }],
        },
        { lane: this.#joinLane, timeoutMs: this.#joinMs },
      )
      .catch((error) => {
        const failure = classify(error)
        throw failure.code === 'UNSUPPORTED' && this.instanceId !== null
          ? withoutStaticMembers(failure)
          : failure
      })
    if (this.over) return true
    if (joined.errorCode === KafkaError.MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId
      return false
    }
    if (joined.errorCode !== KafkaError.NONE) return this.#refused(joined.errorCode, 'joining')
    const { memberId, generation } = joined
    if (this.memberId === '' || this.generation < 0) this.#warnOfSession()
    this.memberId = memberId
    this.#leads = joined.leader === memberId
    // The assignments stand when a static leader has come back.
    const deals = this.#leads && !joined.skipAssignment
    if (this.#leads && !deals) await this.#leadership.resume(joined.members)
    const assignments = deals ? await this.#leadership.deal(joined.members) : []
    const synced = await wire.request(
      this.#coordinator,
      syncGroup,
      { group, generation, memberId, groupInstanceId: this.instanceId, assignments },
      { lane: this.#joinLane, timeoutMs: this.#joinMs },
    )
    if (this.over) return true
    if (synced.errorCode !== KafkaError.NONE) return this.#refused(synced.errorCode, 'joining')
    this.generation = generation
    this.#joining = false
    this.#announce()
    if (this.#leads) this.#lead(generation)
    this.#host.assigned(decodeAssignment(synced.assignment), claimed)
    return true
  }

  /** What a refusal to join means: throws, or false to join again at once. */
  #refused(code: number, doing: string): boolean {
    if (code === KafkaError.UNKNOWN_MEMBER_ID) {
      this.expel(this.memberId)
      this.memberId = ''
      return false
    }
    const error = this.#refusal(code, doing)
    if (code === INVALID_SESSION_TIMEOUT && this.#sessionTimeoutMs < LEAST_SESSION_MS) {
      this.#sessionTimeoutMs = Math.min(LEAST_SESSION_MS, this.#sessionTimeoutMs * 2)
      return false
    }
    throw error
  }

  #refusal(code: number, doing: string): StreamError {
    const { group } = this.#options
    const error = refusedByCoordinator(this.#cluster, group, code, doing)
    if (code !== KafkaError.FENCED_INSTANCE_ID || this.instanceId === null) return error
    this.#replaced = sameInstance(group, this.instanceId)
    return this.#replaced
  }

  /** What the group knows of this member from before. Without that a restart that moves nothing could not be told from the run before. */
  async #lookBack(instanceId: string, deadline: number): Promise<void> {
    const { group } = this.#options
    const described = await retrying(() => describeClassic(this.#cluster, group), {
      deadline,
      signal: this.signal,
    })
    const before = described?.members.find(({ groupInstanceId }) => groupInstanceId === instanceId)
    // While the group is being rebalanced nothing is said of it; then there will be another generation.
    if (before === undefined || before.metadata.length === 0) return
    this.#before = decodeSubscription(before.metadata)
    this.#incarnation = this.#before.incarnation + 1
  }

  /** After a restart that moved nothing: what a rebalance would have seen to. */
  #resume(before: Subscription): void {
    const { group } = this.#options
    const { topics } = this.#host
    // Coordinators take no notice of other topics.
    if (new Set(topics).symmetricDifference(new Set(before.topics)).size > 0) this.rejoin()
    const living = async () => {
      const described = await describeClassic(this.#cluster, group)
      return described && new Set(described.members.map(({ memberId }) => memberId))
    }
    void abortOrphanedTransactions(this.#cluster, group, living, this.signal).catch(() => {})
  }

  #warnOfSession(): void {
    const { group, sessionTimeoutMs } = this.#options
    if (this.#sessionTimeoutMs === sessionTimeoutMs) return
    this.#cluster.logger.warn(
      `the brokers refuse a session timeout of ${sessionTimeoutMs} ms (group.min.session.timeout.ms); ${this.#sessionTimeoutMs} ms are taken`,
      { group },
    )
  }

  #lead(generation: number): void {
    const stillLeads = (): boolean => this.generation === generation && !this.#joining && !this.over
    void this.#leadership.tidy(stillLeads, this.signal)
    this.#leadership.begin(this.#term, this.signal).catch((error) => {
      if (this.over || this.generation !== generation) return
      const failure = classify(error)
      if (failure.retryable || failure.code === 'FENCED') this.rejoin()
      else this.#host.failed(failure)
    })
  }

  /** Sends heartbeats until the group or the member wants to join again. Rejects with what is for good. */
  async #beat(): Promise<void> {
    const everyMs = Math.min(MAX_HEARTBEAT_MS, Math.max(20, this.#sessionTimeoutMs / 3))
    const lookEveryMs = Math.min(5_000, Math.max(300, this.#sessionTimeoutMs / 2))
    let lookAt = performance.now() + lookEveryMs
    while (!this.#rejoin && !this.over) {
      await this.#pause(everyMs)
      if (this.#rejoin || this.over) return
      try {
        if (!(await this.#beatOnce())) return
        if (performance.now() >= lookAt) {
          lookAt = performance.now() + lookEveryMs
          if (await this.#topicsHaveChanged()) return
        }
      } catch (error) {
        const failure = classify(error)
        if (this.over || !failure.retryable) throw failure
        this.#outage.failed(failure)
      }
    }
  }

  /** False where it is time to join again. */
  async #beatOnce(): Promise<boolean> {
    const { memberId, generation } = this
    const { errorCode } = await this.#cluster.wire.request(
      this.#coordinator,
      heartbeat,
      { group: this.#options.group, generation, memberId, groupInstanceId: this.instanceId },
      // Not behind checkpoints that are slow to be stored. One that hangs is left while the session lasts with the next coordinator.
      { lane: this.#joinLane, timeoutMs: Math.max(LEAST_BEAT_MS, this.#sessionTimeoutMs / 2) },
    )
    if (errorCode === KafkaError.NONE) {
      this.#outage.passed()
      return true
    }
    if (errorCode === KafkaError.UNKNOWN_MEMBER_ID) {
      this.expel(memberId)
      return false
    }
    // The claims of a member that the group knows were honoured in every generation since: it keeps what it holds.
    if (errorCode === KafkaError.REBALANCE_IN_PROGRESS || errorCode === KafkaError.ILLEGAL_GENERATION)
      return false
    const error = this.#refusal(errorCode, 'staying in')
    if (!isStale(errorCode)) throw error
    this.#outage.failed(error)
    return true
  }

  async #topicsHaveChanged(): Promise<boolean> {
    try {
      for (const topic of this.#host.topics) await this.#cluster.wire.topic(topic, { maxAgeMs: 300 })
      this.#missingSince = undefined
    } catch (error) {
      // A topic that was deleted ends the membership. A broker that lags behind may say the same for a moment.
      this.#missingSince ??= performance.now()
      const gone = performance.now() - this.#missingSince > MISSING_MS
      if (classify(error).code !== 'NOT_FOUND' || gone) throw error
    }
    return this.#leads && (await this.#leadership.hasChanged())
  }

  #announce(): void {
    const { resolve } = this.#moved
    this.#moved = Promise.withResolvers<void>()
    resolve()
  }

  async #pause(ms: number): Promise<void> {
    const woken = Promise.withResolvers<void>()
    this.#wake = woken.resolve
    const timer = new AbortController()
    await Promise.race([woken.promise, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
    this.#wake = undefined
  }
}
