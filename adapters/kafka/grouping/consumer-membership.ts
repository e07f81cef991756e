import { setTimeout as sleep } from 'node:timers/promises'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import { Outage } from '../outage.ts'
import type { KafkaCluster } from '../parts.ts'
import { KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat,
} from '../wire/protocol/consumer-group-heartbeat.ts'
import { offsetCommitByEpoch } from '../wire/protocol/offset-commit-by-epoch.ts'
import { retrying } from '../wire/retry.ts'
import { keyOf } from './assign-partitions.ts'
import { describeConsumer } from './describe-group.ts'
import { farewell } from './farewell.ts'
import { coordinatorOf, REQUEST_MS } from './group-requests.ts'
import { groupSessionMs } from './group-session.ts'
import { heartbeatError, withoutConsumerProtocol } from './heartbeat-error.ts'
import { LeftTopics } from './left-topics.ts'
import { incarnationOf, newMemberId } from './member-ids.ts'
import type { Membership, MembershipHost, MembershipOptions } from './membership.ts'
import { abortOrphanedTransactions } from './orphaned-transactions.ts'
import { tenure } from './tenure.ts'
import { TopicBeginnings } from './topic-beginnings.ts'
import { TopicIds } from './topic-ids.ts'

/** Brokers ask for 5 s: at that pace a partition changes hands within 10 s, at this one within 2. Milliseconds. */
const MAX_HEARTBEAT_MS = 1_000
/** Brokers that are only slow are not to be left for it. Milliseconds. */
const LEAST_BEAT_MS = 1_000
const MAX_PAUSE_MS = 1_000
const LOOK_MS = 1_000
const MISSING_MS = 3_000
const START_MS = 30_000
const LEAVE_MS = 2_000
/** Beyond a session, for whoever waits until that of the member before it is over. Milliseconds. */
const RELEASE_GRACE_MS = 5_000
/** Of brokers that do not say: their default. Milliseconds. */
const SESSION_MS = 45_000

let memberships = 0

/**
 * A member's side of the group protocol of Kafka 4 (KIP-848): the coordinator deals partitions out, and each heartbeat says what has changed.
 * What is taken away stays the member's until it has said that it let go of it; meanwhile its epoch stands. With that the epoch
 * moves, so that whatever it still had on its way for the partition is refused before another member has it.
 */
export class ConsumerMembership implements Membership {
  readonly lane: string
  readonly instanceId: string | null
  readonly offsetCommit = offsetCommitByEpoch
  memberId: string
  /** The member epoch. */
  generation = -1
  readonly #cluster: KafkaCluster
  readonly #options: MembershipOptions
  readonly #host: MembershipHost
  readonly #topics: readonly string[]
  readonly #ids: TopicIds
  readonly #left: LeftTopics
  readonly #beginnings: TopicBeginnings
  readonly #over = new AbortController()
  readonly #outage: Outage
  #incarnation = 0
  /** As the coordinator said last. */
  #assigned: readonly TopicPartition[] = []
  /** The next heartbeat says all there is to say. */
  #full = true
  /** Something assigned is of a topic that the brokers asked do not know yet. */
  #incomplete = false
  #everyMs = MAX_HEARTBEAT_MS
  /** The brokers' to set. */
  #sessionMs = SESSION_MS
  #reviewed = 0
  #resumptions = 0
  #missingSince: number | undefined
  #tidying = false
  #untidy = false
  #wake: (() => void) | undefined
  #moved = Promise.withResolvers<void>()

  constructor(cluster: KafkaCluster, options: MembershipOptions, host: MembershipHost) {
    const { group, from, instanceId, sessionTimeoutMs } = options
    this.#cluster = cluster
    this.#options = options
    this.#host = host
    this.#topics = host.topics
    this.instanceId = instanceId
    this.lane = `consumer-${++memberships}`
    this.memberId = newMemberId(0)
    this.#outage = new Outage(cluster.logger, `group '${group}' is not reached`, { group }, sessionTimeoutMs)
    this.#ids = new TopicIds(cluster)
    this.#left = new LeftTopics(cluster, group)
    this.#beginnings = new TopicBeginnings(cluster, group, from)
  }

  get over(): boolean {
    return this.#over.signal.aborted
  }

  get joining(): boolean {
    return this.generation < 0
  }

  get moved(): Promise<void> {
    return this.#moved.promise
  }

  epoch(): number {
    return tenure(this.generation, this.#incarnation, this.#resumptions)
  }

  async start(): Promise<void> {
    const { signal } = this.#over
    const deadline = performance.now() + START_MS
    if (this.instanceId === null) await retrying(() => this.#beatOrTell(), { deadline, signal })
    else await this.#startAs(this.instanceId, deadline)
    void this.#compareSession()
    void this.#run()
  }

  rejoin(): void {
    this.#full = true
    this.#reviewed = 0
    this.#resumptions++
    this.#wake?.()
  }

  expel(memberId: string): void {
    if (memberId !== this.memberId || this.joining) return
    this.memberId = newMemberId(this.#incarnation)
    this.generation = -1
    this.#assigned = []
    this.#host.expelled()
    this.#announce()
    this.rejoin()
  }

  async begin(own: readonly TopicPartition[], waitedMs: number): Promise<void> {
    const { memberId, generation, instanceId, lane } = this
    await this.#beginnings.begin({ memberId, generation, instanceId, lane }, own, waitedMs)
  }

  async stop(): Promise<void> {
    if (this.over) return
    const { group } = this.#options
    this.#over.abort(new StreamError('CLOSED', `the member has left group '${group}': join again`))
    this.#wake?.()
    this.#announce()
    await this.#sayFarewell()
    this.#cluster.wire.closeLane(this.lane)
    this.#cluster.wire.closeLane(this.#beatLane)
  }

  // ------------------------------------------------------------- joining

  /** As a member with a name. Another one of that name is waited for until it must be dead: it may have been killed just now. */
  async #startAs(instanceId: string, joinBy: number): Promise<void> {
    const { group } = this.#options
    const { signal } = this.#over
    const look = () => describeConsumer(this.#cluster, group)
    const described = await retrying(look, { deadline: joinBy, signal })
    const before = described?.members.find((member) => member.instanceId === instanceId)
    if (before !== undefined) this.#incarnation = (incarnationOf(before.memberId) ?? 0) + 1
    this.memberId = newMemberId(this.#incarnation)
    let deadline = joinBy
    let warned = false
    for (;;) {
      try {
        await retrying(() => this.#beatOrTell(), { deadline: Math.max(joinBy, deadline), signal })
        return
      } catch (error) {
        const waits = error instanceof StreamError && error.code === 'FENCED'
        if (!waits) throw error
        if (!warned) {
          warned = true
          const sessionMs = (await groupSessionMs(this.#cluster, group)) ?? SESSION_MS
          deadline = performance.now() + sessionMs + RELEASE_GRACE_MS
          this.#cluster.logger.warn(
            `another member has the instanceId '${instanceId}': waiting until it has left or its session (${sessionMs} ms) is over`,
            { group },
          )
        }
        if (performance.now() > deadline) throw error
        await this.#pause(200)
        signal.throwIfAborted()
      }
    }
  }

  /** With this protocol the session is the brokers' to set: says so where that is longer than was asked for. */
  async #compareSession(): Promise<void> {
    const { group, sessionTimeoutMs } = this.#options
    const sessionMs = await groupSessionMs(this.#cluster, group)
    if (sessionMs === undefined) return
    this.#sessionMs = sessionMs
    if (sessionMs <= sessionTimeoutMs || this.over) return
    this.#cluster.logger.warn(
      `a dead member of this group is noticed after ${sessionMs} ms, not ${sessionTimeoutMs}: with groupProtocol=consumer the brokers ` +
        'say so (consumer.session.timeout.ms of the group, group.consumer.session.timeout.ms of the brokers)',
      { group },
    )
  }

  // ------------------------------------------------------------- heartbeats

  async #run(): Promise<void> {
    let lookAt = performance.now() + LOOK_MS
    let pauseMs = 20
    while (!this.over) {
      if (!this.#full || this.#incomplete) await this.#pause(this.#everyMs)
      if (this.over) return
      try {
        await this.#review()
        await this.#beatOrTell()
        pauseMs = 20
        if (performance.now() < lookAt) continue
        lookAt = performance.now() + LOOK_MS
        await this.#checkTopics()
      } catch (error) {
        const failure = classify(error)
        if (this.over) return
        if (!failure.retryable) return this.#host.failed(failure)
        await this.#pause(pauseMs)
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      }
    }
  }

  /** What passes does so in silence, unless it takes long. */
  async #beatOrTell(): Promise<void> {
    try {
      await this.#beat()
      this.#outage.passed()
    } catch (error) {
      const failure = classify(error)
      if (failure.retryable && !this.over) this.#outage.failed(failure)
      throw failure
    }
  }

  async #beat(): Promise<void> {
    const { group, rebalanceTimeoutMs } = this.#options
    const { memberId, generation, joining, instanceId } = this
    const full = this.#full || joining
    const owned = this.#host.owned()
    this.#full = false
    let answer: ConsumerGroupHeartbeatResponse
    try {
      answer = await this.#cluster.wire.request(
        coordinatorOf(group),
        consumerGroupHeartbeat,
        {
          group,
          memberId,
          memberEpoch: joining ? 0 : generation,
          instanceId,
          rack: full ? (this.#cluster.rack ?? null) : null,
          rebalanceTimeoutMs: full ? rebalanceTimeoutMs : -1,
          topics: full ? this.#topics.filter((topic) => !this.#left.has(topic)) : null,
          owned: full ? (joining ? [] : this.#ids.identified(owned)) : null,
        },
        // A coordinator that hangs is left while the session lasts with the next one.
        {
          lane: this.#beatLane,
          timeoutMs: Math.min(REQUEST_MS, Math.max(LEAST_BEAT_MS, this.#sessionMs / 2)),
        },
      )
      if (this.over || memberId !== this.memberId) return
      if (answer.errorCode !== KafkaError.NONE) return await this.#refused(answer)
      await this.#accept(answer, memberId, full)
    } catch (error) {
      // Whether it was heard is not known.
      this.#full = true
      throw classify(error).code === 'UNSUPPORTED' ? withoutConsumerProtocol() : error
    }
  }

  async #accept(answer: ConsumerGroupHeartbeatResponse, memberId: string, full: boolean): Promise<void> {
    const told =
      answer.assignment === null ? undefined : await this.#ids.named(answer.assignment, this.#topics)
    // While names were looked up.
    if (this.over || memberId !== this.memberId) return
    const moved = answer.memberEpoch !== this.generation
    const first = this.joining
    this.generation = answer.memberEpoch
    this.#everyMs = Math.min(MAX_HEARTBEAT_MS, Math.max(20, answer.heartbeatIntervalMs))
    if (moved) {
      this.#resumptions = 0
      this.#announce()
    }
    if (told?.anew === true) {
      this.#resumptions++
      this.#host.expelled()
    }
    const claimed = unite(this.#assigned, this.#host.owned())
    if (told !== undefined) this.#assigned = told.partitions
    if (told !== undefined) this.#incomplete = !told.complete
    if (this.#incomplete) this.#full = true
    if (full || told !== undefined) this.#host.assigned(this.#assigned, claimed)
    if (moved || told !== undefined) void this.#tidy(first)
  }

  async #refused({ errorCode, errorMessage }: ConsumerGroupHeartbeatResponse): Promise<void> {
    if (errorCode === KafkaError.UNKNOWN_MEMBER_ID) return this.expel(this.memberId)
    if (errorCode === KafkaError.FENCED_MEMBER_EPOCH) {
      // What it held is free from here on.
      await this.#sayFarewell()
      return this.expel(this.memberId)
    }
    throw heartbeatError(this.#cluster, this.#options, errorCode, errorMessage)
  }

  async #sayFarewell(): Promise<void> {
    const { memberId, instanceId } = this
    const request = farewell(this.#options.group, memberId, instanceId, { keepPlace: instanceId !== null })
    // On the lane of the heartbeats: one that joins must not come after it. Unheard, the member is dead after its session.
    const options = { lane: this.#beatLane, timeoutMs: LEAVE_MS }
    await this.#cluster.wire
      .request(coordinatorOf(this.#options.group), consumerGroupHeartbeat, request, options)
      .catch(() => {})
  }

  get #beatLane(): string {
    return `${this.lane}-beat`
  }

  /** While a handler hangs: whether somebody else reads its topic. */
  async #review(): Promise<void> {
    const now = performance.now()
    if (now - this.#reviewed < LOOK_MS) return
    this.#reviewed = now
    const subscribes = await this.#left.review(this.memberId, this.#host.refused()).catch(() => false)
    if (subscribes) this.#full = true
  }

  async #checkTopics(): Promise<void> {
    try {
      for (const topic of this.#topics) await this.#cluster.wire.topic(topic, { maxAgeMs: 300 })
      this.#missingSince = undefined
    } catch (error) {
      const failure = classify(error)
      if (failure.retryable) return
      // A topic that was deleted ends the membership. A broker that lags behind may say the same for a moment.
      this.#missingSince ??= performance.now()
      const gone = performance.now() - this.#missingSince > MISSING_MS
      if (failure.code !== 'NOT_FOUND' || gone) throw failure
    }
  }

  /**
   * Ends what members that are gone have left open. There is no leader: who has the first partition of a topic does it, and a member
   * with a name for what its former incarnation has left.
   */
  async #tidy(first: boolean): Promise<void> {
    const { group } = this.#options
    const named = first && this.instanceId !== null
    if (!named && !this.#assigned.some(({ partition }) => partition === 0)) return
    this.#untidy = true
    if (this.#tidying) return
    this.#tidying = true
    const living = async () => {
      const described = await describeConsumer(this.#cluster, group)
      return described && new Set(described.members.map(({ memberId }) => memberId))
    }
    while (this.#untidy && !this.over) {
      this.#untidy = false
      await abortOrphanedTransactions(this.#cluster, group, living, this.#over.signal).catch(() => {})
    }
    this.#tidying = false
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

const unite = (a: readonly TopicPartition[], b: readonly TopicPartition[]): TopicPartition[] => [
  ...new Map([...a, ...b].map((partition) => [keyOf(partition), partition])).values(),
]
