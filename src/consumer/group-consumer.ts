import type { Driver, GroupMember } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { LazyRecord } from '../lazy-record.ts'
import type { Logger } from '../logger.ts'
import type { From, Lag } from '../position.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { AssignedSessions } from './assigned-sessions.ts'
import { BatchProcessor } from './batch-processor.ts'
import type { CoreConsumedBatch } from './consumed-batch.ts'
import type { Consumer } from './consumer.ts'
import { ConsumerCounters } from './consumer-counters.ts'
import { atLeast, type ConsumerSettings, consumerSettings } from './consumer-settings.ts'
import { DeadLetters } from './dead-letters.ts'
import { EachProcessor } from './each-processor.ts'
import { HandlerRuntime } from './handler-runtime.ts'
import type { ConsumerOptions, ConsumerStats, RunOptions } from './options.ts'
import type { PartitionSession, Processor } from './partition-session.ts'
import { PausedPartitions } from './paused-partitions.ts'
import { PoisonHandler } from './poison-handler.ts'
import { stop } from './poison-policy.ts'
import { PullQueue } from './pull-queue.ts'
import { RetryPolicy } from './retry-policy.ts'

const DEFAULT_MAX_PROCESSING_MS = 300_000
const MAX_TICK_MS = 1_000

/** A group's member above any driver. */
export class GroupConsumer implements Consumer<LazyRecord> {
  private readonly driver: Driver
  private readonly telemetry: Telemetry
  private readonly logger: Logger
  private readonly settings: ConsumerSettings
  private readonly counters = new ConsumerCounters()
  private readonly paused = new PausedPartitions()
  private readonly closed = Promise.withResolvers<void>()
  private readonly member = Promise.withResolvers<GroupMember>()
  private sessions: AssignedSessions | undefined
  private joining: Promise<GroupMember | undefined> | undefined
  private failure: { readonly error: unknown } | undefined
  private closing: Promise<void> | undefined
  /** Ended by its signal: using it then is no mistake. */
  private aborted = false
  private readonly onAbort = (): void => {
    this.aborted = true
    void this.close()
  }

  constructor(driver: Driver, telemetry: Telemetry, logger: Logger, options: ConsumerOptions) {
    this.driver = driver
    this.telemetry = telemetry
    this.logger = logger
    this.settings = consumerSettings(options)
    if (this.settings.instanceId !== undefined && !driver.capabilities.has('staticMembership')) {
      throw new StreamError(
        'UNSUPPORTED',
        `${driver.address} has no staticMembership: leave instanceId out there (streams.capabilities tells), or use a backend that has it.`,
      )
    }
    this.member.promise.catch(() => {})
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
    const runtime = new HandlerRuntime({
      group: this.settings.group,
      retry,
      poison: new PoisonHandler(policy, letters, this.counters, this.logger),
      counters: this.counters,
      maxProcessingMs,
      telemetry: this.telemetry,
      fail: (error) => this.fail(error),
      checkpoint: (session) => this.storeNow(session),
      abandon: (session, ended) => void this.sessions?.abandon(session, ended),
    })
    const processor = this.processorOf(options, runtime)
    this.sessions = this.sessionsFor(processor, this.settings.checkpointIntervalMs === undefined, false)
    this.listen(options.signal)
    try {
      await letters?.check()
      await this.join(processor, Math.min(MAX_TICK_MS, maxProcessingMs / 4))
      await this.closed.promise
    } finally {
      await this.close()
      await letters?.close()
    }
    if (this.failure) throw this.failure.error
  }

  async *[Symbol.asyncIterator](): AsyncIterator<CoreConsumedBatch> {
    this.refuseSecondUse()
    const queue = new PullQueue({ member: this.member.promise, store: (session) => this.storeNow(session) })
    this.sessions = this.sessionsFor(queue, true, true)
    void this.closed.promise.then(() => queue.end())
    try {
      await this.join(queue, MAX_TICK_MS)
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
    this.sessions?.poke()
  }

  async seek(to: From, topic?: string, partition?: string): Promise<void> {
    const meant = [...(this.sessions ?? [])].filter(
      ({ assignment }) =>
        (topic === undefined || assignment.topic === topic) &&
        (partition === undefined || assignment.partition === partition),
    )
    if (meant.length === 0) {
      throw new StreamError(
        'NOT_FOUND',
        `this member holds no partition ${topic ?? '*'}/${partition ?? '*'} to seek in: seek where it is assigned, or move the ` +
          'group with streams.groups.seekGroup while it is down.',
        { topic, partition },
      )
    }
    await Promise.all(meant.map((session) => this.sessions?.restart(session, to)))
  }

  get stats(): ConsumerStats {
    let bufferedBytes = 0
    let bufferedRecords = 0
    const assignments: { topic: string; partition: string }[] = []
    for (const { held, assignment } of this.sessions ?? []) {
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
    if (each) return new EachProcessor(each, atLeast(1, 'concurrency', options.concurrency ?? 1), runtime)
    const maxRecords = atLeast(1, 'maxBatchRecords', options.maxBatchRecords ?? Infinity)
    const host = { member: this.member.promise, store: (session: PartitionSession) => this.storeNow(session) }
    return new BatchProcessor(batch as never, maxRecords, runtime, host)
  }

  private sessionsFor(
    processor: Processor,
    byHand: boolean,
    doneMeansCheckpointed: boolean,
  ): AssignedSessions {
    return new AssignedSessions({
      driver: this.driver,
      logger: this.logger,
      settings: this.settings,
      paused: this.paused,
      processor,
      member: this.member.promise,
      byHand,
      doneMeansCheckpointed,
      fail: (error) => this.fail(error),
    })
  }

  private async join(processor: Processor, tickMs: number): Promise<void> {
    const { sessions } = this
    if (this.closing || sessions === undefined) return
    const { group, topics, from, clientId, instanceId, sessionTimeoutMs, drainTimeoutMs } = this.settings
    const { checkpointIntervalMs } = this.settings
    const forgetLag = this.telemetry.observeLag(() => this.lags())
    // Keeps the process alive while nothing else does, stores checkpoints and looks for hung handlers.
    let nextStore = 0
    const tick = (): void => {
      const now = performance.now()
      processor.watch(now)
      if (processor instanceof PullQueue || checkpointIntervalMs === undefined || now < nextStore) return
      nextStore = now + checkpointIntervalMs
      void sessions.storeAll()
    }
    const ticker = setInterval(tick, Math.max(1, Math.min(tickMs, checkpointIntervalMs ?? MAX_TICK_MS)))
    void this.closed.promise.then(() => {
      clearInterval(ticker)
      forgetLag()
    })
    const options = {
      group,
      topics: [...topics.keys()],
      from,
      clientId,
      ...(instanceId !== undefined && { instanceId }),
      sessionTimeoutMs,
      drainTimeoutMs,
    }
    this.joining = this.driver.joinGroup(options, sessions).then(
      (member) => {
        this.member.resolve(member)
        return member
      },
      (error) => {
        this.member.reject(error)
        this.fail(error)
        return undefined
      },
    )
    await this.joining
  }

  private async storeNow(session: PartitionSession): Promise<void> {
    await this.sessions?.storeNow(session)
  }

  private *lags(): Iterable<{ topic: string; partition: string; group: string; lag: Lag }> {
    for (const { assignment, lag } of this.sessions ?? []) {
      const { topic, partition } = assignment
      yield { topic, partition, group: this.settings.group, lag }
    }
  }

  private fail(error: unknown): void {
    this.failure ??= { error }
    void this.close()
  }

  private async shutDown(): Promise<void> {
    try {
      this.sessions?.beginClosing()
      // Leaving revokes everything, which drains and stores.
      const member = await this.joining
      await member?.leave()
    } catch (error) {
      this.failure ??= { error }
    } finally {
      this.sessions?.end()
      this.closed.resolve()
    }
  }

  private listen(signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    if (signal.aborted) return this.onAbort()
    signal.addEventListener('abort', this.onAbort, { once: true })
    void this.closed.promise.then(() => signal.removeEventListener('abort', this.onAbort))
  }

  private refuseSecondUse(): void {
    if (this.sessions !== undefined) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        'a consumer is used once, by run() or by for await: make another for the second.',
      )
    }
    if (this.closing && !this.aborted) {
      throw new StreamError('CLOSED', 'the consumer is closed: make another with streams.consumer().')
    }
  }
}
