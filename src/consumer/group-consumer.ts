import type { Assignment, AssignmentEvents, Driver, GroupMember } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { LazyRecord } from '../lazy-record.ts'
import type { Logger } from '../logger.ts'
import type { From } from '../position.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { BatchProcessor } from './batch-processor.ts'
import { Checkpointer } from './checkpointer.ts'
import type { BatchHost, CoreConsumedBatch } from './consumed-batch.ts'
import type { Consumer } from './consumer.ts'
import { ConsumerCounters } from './consumer-counters.ts'
import { atLeast, type ConsumerSettings, consumerSettings } from './consumer-settings.ts'
import { DeadLetters } from './dead-letters.ts'
import { EachProcessor } from './each-processor.ts'
import { HandlerRuntime } from './handler-runtime.ts'
import type { ConsumerOptions, ConsumerStats, RunOptions } from './options.ts'
import { PartitionSession, type SessionHost } from './partition-session.ts'
import { PausedPartitions } from './paused-partitions.ts'
import { PoisonHandler } from './poison-handler.ts'
import { stop } from './poison-policy.ts'
import type { Processor } from './processor.ts'
import { PullQueue } from './pull-queue.ts'
import { RetryPolicy } from './retry-policy.ts'

const DEFAULT_MAX_PROCESSING_MS = 300_000
/** The last part of the drain time is for the checkpoint. */
const DRAIN_SHARE = 0.8
const MAX_TICK_MS = 1_000

/** A group's member above any driver. */
export class GroupConsumer implements Consumer<LazyRecord> {
  private readonly driver: Driver
  private readonly telemetry: Telemetry
  private readonly logger: Logger
  private readonly settings: ConsumerSettings
  private readonly counters = new ConsumerCounters()
  private readonly paused = new PausedPartitions()
  private readonly sessions = new Map<string, PartitionSession>()
  private readonly closed = Promise.withResolvers<void>()
  private readonly member = Promise.withResolvers<GroupMember>()
  private readonly checkpointer: Checkpointer
  private readonly batchHost: BatchHost
  private processor: Processor | undefined
  private letters: DeadLetters | undefined
  private joined: GroupMember | undefined
  private joining: Promise<void> | undefined
  private failure: { readonly error: unknown } | undefined
  private closing: Promise<void> | undefined
  private ticker: NodeJS.Timeout | undefined
  private nextStore = 0
  private forgetLag: (() => void) | undefined
  private readonly onAbort = (): void => void this.close()

  constructor(driver: Driver, telemetry: Telemetry, logger: Logger, options: ConsumerOptions) {
    this.driver = driver
    this.telemetry = telemetry
    this.logger = logger
    this.settings = consumerSettings(options)
    this.member.promise.catch(() => {})
    this.checkpointer = new Checkpointer(driver, this.member.promise, (session) => this.lose(session))
    this.batchHost = { member: this.member.promise, store: (session) => this.storeNow(session) }
    this.listen(options.signal)
  }

  async run(options: RunOptions<LazyRecord>): Promise<void> {
    this.refuseSecondUse()
    const policy = options.onPoison ?? stop()
    const retry = new RetryPolicy(options.retry)
    const maxProcessingMs = atLeast(
      1,
      'maxProcessingMs',
      options.maxProcessingMs ?? DEFAULT_MAX_PROCESSING_MS,
    )
    const letters =
      'topic' in policy ? new DeadLetters(this.driver, policy.topic, this.settings.group, retry) : undefined
    this.letters = letters
    const runtime = new HandlerRuntime({
      group: this.settings.group,
      retry,
      poison: new PoisonHandler(policy, letters, this.counters, this.logger),
      counters: this.counters,
      maxProcessingMs,
      telemetry: this.telemetry,
      fail: (error) => this.fail(error),
      checkpoint: (session) => this.storeNow(session),
      abandon: (session, ended) => void this.abandon(session, ended),
    })
    this.processor = this.processorOf(options, runtime)
    this.listen(options.signal)
    if (options.signal?.aborted) return this.close()
    await letters?.check()
    await this.join(Math.min(MAX_TICK_MS, maxProcessingMs / 4))
    await this.closed.promise
    if (this.failure) throw this.failure.error
  }

  async *[Symbol.asyncIterator](): AsyncIterator<CoreConsumedBatch> {
    this.refuseSecondUse()
    const queue = new PullQueue(this.batchHost)
    this.processor = queue
    try {
      await this.join(MAX_TICK_MS)
      for (let batch = await queue.next(); batch !== undefined; batch = await queue.next()) yield batch
    } finally {
      queue.release()
      await this.close()
    }
    if (this.failure) throw this.failure.error
  }

  pause(topic?: string, partition?: string): void {
    this.paused.set(true, topic, partition)
  }

  resume(topic?: string, partition?: string): void {
    this.paused.set(false, topic, partition)
    this.pokeAll()
  }

  async seek(to: From, topic?: string, partition?: string): Promise<void> {
    const sessions = [...this.sessions.values()].filter(
      ({ assignment }) =>
        (topic === undefined || assignment.topic === topic) &&
        (partition === undefined || assignment.partition === partition),
    )
    if (sessions.length === 0) {
      throw new StreamError(
        'NOT_FOUND',
        `this member holds no partition ${topic ?? '*'}/${partition ?? '*'} to seek in: seek where it is assigned, or move the ` +
          'group with streams.groups.seekGroup while it is down.',
        { topic, partition },
      )
    }
    await Promise.all(sessions.map((session) => this.restart(session, to)))
  }

  get stats(): ConsumerStats {
    let bufferedBytes = 0
    let bufferedRecords = 0
    const assignments: { topic: string; partition: string }[] = []
    for (const { held, assignment } of this.sessions.values()) {
      bufferedBytes += held.bytes
      bufferedRecords += held.records
      assignments.push({ topic: assignment.topic, partition: assignment.partition })
    }
    return { ...this.counters, bufferedBytes, bufferedRecords, assignments }
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private processorOf(options: RunOptions<LazyRecord>, runtime: HandlerRuntime): Processor {
    const { each, batch } = options
    if ((each === undefined) === (batch === undefined)) {
      throw new StreamError('INVALID_ARGUMENT', 'run() takes one handler: give `each` or `batch`.')
    }
    if (each) {
      const concurrency = atLeast(1, 'concurrency', options.concurrency ?? 1)
      return new EachProcessor(each, concurrency, runtime)
    }
    const maxRecords = atLeast(1, 'maxBatchRecords', options.maxBatchRecords ?? Infinity)
    return new BatchProcessor(batch as never, maxRecords, runtime, this.batchHost)
  }

  private async join(tickMs: number): Promise<void> {
    const { group, topics, from, clientId, sessionTimeoutMs, drainTimeoutMs } = this.settings
    // Keeps the process alive while nothing else does, drives checkpoints and looks for hung handlers.
    const interval = Math.max(1, Math.min(tickMs, this.settings.checkpointIntervalMs ?? MAX_TICK_MS))
    this.ticker = setInterval(() => this.tick(), interval)
    this.forgetLag = this.telemetry.observeLag(() => this.lags())
    this.joining = this.driver
      .joinGroup(
        { group, topics: [...topics.keys()], from, clientId, sessionTimeoutMs, drainTimeoutMs },
        this.events,
      )
      .then((member) => {
        this.joined = member
        this.member.resolve(member)
      })
    try {
      await this.joining
    } catch (error) {
      this.member.reject(error)
      this.fail(error)
    }
  }

  private readonly events: AssignmentEvents = {
    assigned: (assignment) => this.begin(assignment),
    revoked: async (assignment) => {
      const session = this.sessionOf(assignment)
      if (session) await this.release(session)
    },
    lost: (assignment) => {
      const session = this.sessionOf(assignment)
      if (session) this.lose(session)
    },
    failed: (error) => this.fail(error),
  }

  private begin(assignment: Assignment, seekTo?: From): void {
    const topic = this.settings.topics.get(assignment.topic)
    if (topic === undefined || this.processor === undefined) return
    const session = new PartitionSession(this.sessionHost(this.processor), assignment, topic, seekTo)
    this.sessions.set(keyOf(assignment), session)
    session.start()
  }

  private sessionHost(processor: Processor): SessionHost {
    return {
      driver: this.driver,
      group: this.settings.group,
      processor,
      fetchMaxBytes: this.settings.fetchMaxBytes,
      // Until the join has resolved nothing was parked yet.
      maxStateBytes: () => this.joined?.maxStateBytes ?? Infinity,
      share: () => {
        const sessions = Math.max(1, this.sessions.size)
        return {
          bytes: this.settings.maxBufferedBytes / sessions,
          records: this.settings.maxBufferedRecords / sessions,
        }
      },
      isPaused: (topic, partition) => this.paused.has(topic, partition),
      progressed: (session, records) => this.progressed(session, records),
      failed: (_session, error) => this.fail(error),
    }
  }

  private progressed(session: PartitionSession, records: number): void {
    session.unsaved += records
    if (session.complete || session.unsaved >= this.settings.checkpointRecords) this.storeSoon(session)
  }

  /** Stores outside of the caller's loop, once for all that finishes in this turn. */
  private storeSoon(session: PartitionSession): void {
    if (session.storing || !this.storesByItself(session)) return
    session.storing = true
    queueMicrotask(() => {
      void this.checkpointer.store([session]).finally(() => {
        session.storing = false
        if (session.unsaved >= this.settings.checkpointRecords) this.storeSoon(session)
      })
    })
  }

  /** By hand, only the end of a partition is stored without being asked, once all of it was checkpointed. */
  private storesByItself(session: PartitionSession): boolean {
    if (this.settings.checkpointIntervalMs !== undefined || this.processor instanceof PullQueue) return true
    return session.complete && session.checkpoint === session.persisted
  }

  private async storeNow(session: PartitionSession): Promise<void> {
    const error = (await this.checkpointer.store([session])).get(session)
    if (error) throw error
  }

  private tick(): void {
    const now = performance.now()
    this.processor?.watch(now)
    if (this.settings.checkpointIntervalMs === undefined || now < this.nextStore) return
    if (this.processor instanceof PullQueue) return
    this.nextStore = now + this.settings.checkpointIntervalMs
    void this.checkpointer.store([...this.sessions.values()]).then((failed) => {
      for (const [session, error] of failed) {
        if (error.code === 'FENCED' || error.retryable || session.gone) continue
        this.fail(error)
      }
    })
  }

  /** Drains, stores, and lets go: what a revocation asks for. */
  private async release(session: PartitionSession): Promise<void> {
    await session.drain(this.settings.drainTimeoutMs * DRAIN_SHARE)
    if (this.settings.checkpointIntervalMs !== undefined && !(this.processor instanceof PullQueue)) {
      const failed = (await this.checkpointer.store([session])).get(session)
      if (failed && failed.code !== 'FENCED') {
        const { topic, partition } = session.assignment
        this.logger.warn(
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
    const { topic, partition } = session.assignment
    await session.end(
      new StreamError('FENCED', `${topic}/${partition} was revoked: its new owner goes on.`, {
        topic,
        partition,
      }),
    )
  }

  private lose(session: PartitionSession): void {
    if (session.gone) return
    const { topic, partition } = session.assignment
    this.forget(session)
    void session.end(
      new StreamError(
        'FENCED',
        `${topic}/${partition} was lost to another member: stop, its new owner goes on.`,
        { topic, partition },
      ),
    )
  }

  private async abandon(session: PartitionSession, ended: Promise<void>): Promise<void> {
    if (session.gone) return
    const { assignment } = session
    const { topic, partition } = assignment
    this.logger.error('a handler did not end within maxProcessingMs; its partition is given up', {
      topic,
      partition,
    })
    this.forget(session)
    void session.end(
      new StreamError(
        'TIMEOUT',
        `the handler did not end within maxProcessingMs; ${topic}/${partition} was given up.`,
      ),
    )
    try {
      const member = await this.member.promise
      await member.abandon(assignment)
      await ended
      if (!this.closing) await member.reclaim(topic, partition)
    } catch (error) {
      this.fail(error)
    }
  }

  private async restart(session: PartitionSession, to: From): Promise<void> {
    await session.drain(this.settings.drainTimeoutMs)
    const held = this.sessions.get(keyOf(session.assignment)) === session
    await session.end(new StreamError('FENCED', 'the consumer was moved by seek().'))
    if (held) this.begin(session.assignment, to)
  }

  private forget(session: PartitionSession): void {
    const key = keyOf(session.assignment)
    if (this.sessions.get(key) === session) this.sessions.delete(key)
    this.pokeAll()
  }

  private sessionOf(assignment: Assignment): PartitionSession | undefined {
    const session = this.sessions.get(keyOf(assignment))
    return session?.assignment.epoch === assignment.epoch ? session : undefined
  }

  private pokeAll(): void {
    for (const session of this.sessions.values()) session.poke()
  }

  private *lags(): Iterable<{ topic: string; partition: string; group: string; records: number }> {
    for (const { assignment, lag } of this.sessions.values()) {
      if (lag.records === undefined) continue
      yield {
        topic: assignment.topic,
        partition: assignment.partition,
        group: this.settings.group,
        records: lag.records,
      }
    }
  }

  private fail(error: unknown): void {
    this.failure ??= { error }
    void this.close()
  }

  private async shutDown(): Promise<void> {
    try {
      await this.joining?.catch(() => {})
      // Leaving revokes everything, which drains and stores.
      await this.joined?.leave()
    } catch (error) {
      this.failure ??= { error }
    } finally {
      for (const session of this.sessions.values()) this.lose(session)
      clearInterval(this.ticker)
      this.forgetLag?.()
      if (this.processor instanceof PullQueue) this.processor.end()
      await this.letters?.close()
      this.closed.resolve()
    }
  }

  private listen(signal: AbortSignal | undefined): void {
    if (signal?.aborted) return
    signal?.addEventListener('abort', this.onAbort, { once: true })
    void this.closed.promise.then(() => signal?.removeEventListener('abort', this.onAbort))
  }

  private refuseSecondUse(): void {
    if (this.closing)
      throw new StreamError('CLOSED', 'the consumer is closed: make another with streams.consumer().')
    if (this.processor === undefined) return
    throw new StreamError(
      'INVALID_ARGUMENT',
      'a consumer is used once, by run() or by for await: make another for the second.',
    )
  }
}

function keyOf(assignment: Assignment): string {
  return `${assignment.topic}/${assignment.partition}`
}
