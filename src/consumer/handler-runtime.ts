import type { FetchedBatch } from '../driver.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { ConsumerCounters } from './consumer-counters.ts'
import type { HandlerContext } from './options.ts'
import type { PartitionSession } from './partition-session.ts'
import type { PoisonHandler } from './poison-handler.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** What the processors that call handlers share. */
export class HandlerRuntime {
  readonly retry: RetryPolicy
  readonly poison: PoisonHandler
  readonly counters: ConsumerCounters
  readonly maxProcessingMs: number
  /** Something cannot be recovered: `run` ends with it. */
  readonly fail: (error: unknown) => void
  private readonly group: string
  private readonly telemetry: Telemetry
  private readonly checkpoint: (session: PartitionSession) => Promise<void>
  private readonly abandon: (session: PartitionSession, ended: Promise<void>) => void
  private readonly hanging = new Map<object, () => void>()

  constructor(parts: {
    group: string
    retry: RetryPolicy
    poison: PoisonHandler
    counters: ConsumerCounters
    maxProcessingMs: number
    telemetry: Telemetry
    fail: (error: unknown) => void
    checkpoint: (session: PartitionSession) => Promise<void>
    abandon: (session: PartitionSession, ended: Promise<void>) => void
  }) {
    this.group = parts.group
    this.retry = parts.retry
    this.poison = parts.poison
    this.counters = parts.counters
    this.maxProcessingMs = parts.maxProcessingMs
    this.telemetry = parts.telemetry
    this.fail = parts.fail
    this.checkpoint = parts.checkpoint
    this.abandon = parts.abandon
  }

  /** Shared by all first attempts of a session, so that a record costs none. */
  contextOf(session: PartitionSession): HandlerContext {
    return {
      signal: session.signal,
      attempt: 1,
      group: this.group,
      checkpoint: () => this.checkpoint(session),
    }
  }

  /** Whether `observe` does anything. */
  get observed(): boolean {
    return this.telemetry.tracing || this.telemetry.measuring
  }

  /** Runs a handler inside its span and measures it. */
  observe<T>(batch: FetchedBatch, indexes: readonly number[], work: () => T): T {
    const began = performance.now()
    const done = (error?: unknown): void =>
      this.telemetry.processed(batch.topic, this.group, indexes.length, performance.now() - began, error)
    try {
      const result = this.telemetry.traceProcess(this.group, batch, indexes, work)
      if (result instanceof Promise) result.then(() => done(), done)
      else done()
      return result
    } catch (error) {
      done(error)
      throw error
    }
  }

  /** A call is over its time: the partition is given up, and may come back when the call has ended. */
  hung(session: PartitionSession, call: object): void {
    const ended = new Promise<void>((resolve) => this.hanging.set(call, resolve))
    this.abandon(session, ended)
  }

  /** To be told when any call that had hung ends. */
  ended(call: object): void {
    this.hanging.get(call)?.()
    this.hanging.delete(call)
  }
}
