import { isAsyncResult } from '../async-result.ts'
import type { ParkingTicket } from '../dead-letter-headers.ts'
import { Deque } from '../deque.ts'
import { DecodeError, StreamError } from '../errors.ts'
import { LazyRecord, validateRecords } from '../lazy-record.ts'
import { admit } from './admission.ts'
import { type BatchHost, CoreConsumedBatch } from './consumed-batch.ts'
import type { HandlerRuntime } from './handler-runtime.ts'
import type { HandlerContext } from './options.ts'
import type { PartitionSession, Processor } from './partition-session.ts'
import { backoff } from './retry-policy.ts'
import type { WorkEntry } from './work-entry.ts'

type Handler = (batch: never, context: HandlerContext) => unknown

/** What `batch` keeps of one session. */
interface Line {
  readonly session: PartitionSession
  readonly context: HandlerContext
  readonly entries: Deque<WorkEntry>
  /** Ends waits between attempts. */
  readonly draining: AbortController
  working: Promise<void> | undefined
  call: Call | undefined
}

interface Call {
  readonly startedAt: number
}

/** Records of one entry that go to the handler together; `picked` where they do not follow each other. */
interface Slice {
  readonly from: number
  readonly to: number
  readonly picked?: Int32Array
  readonly ticket?: ParkingTicket
}

/** What a call came to. `failed` are indexes within the entry. */
type Outcome =
  | { kind: 'done' }
  | { kind: 'threw'; error: unknown }
  | { kind: 'failed'; failed: Int32Array; error: unknown }

/**
 * Calls the handler with batches: one of a partition at a time, partitions beside each other. A batch that keeps failing is
 * halved until the record that fails is alone.
 */
export class BatchProcessor implements Processor {
  private readonly handler: Handler
  private readonly maxRecords: number
  private readonly runtime: HandlerRuntime
  private readonly host: BatchHost
  private readonly lines = new Map<PartitionSession, Line>()

  constructor(handler: Handler, maxRecords: number, runtime: HandlerRuntime, host: BatchHost) {
    this.handler = handler
    this.maxRecords = maxRecords
    this.runtime = runtime
    this.host = host
  }

  accept(session: PartitionSession, entry: WorkEntry): void {
    let line = this.lines.get(session)
    if (line === undefined) {
      const context = this.runtime.contextOf(session)
      line = {
        session,
        context,
        entries: new Deque(),
        draining: new AbortController(),
        working: undefined,
        call: undefined,
      }
      this.lines.set(session, line)
    }
    line.entries.push(entry)
    line.working ??= this.work(line)
  }

  async drain(session: PartitionSession): Promise<void> {
    const line = this.lines.get(session)
    line?.draining.abort()
    await line?.working
  }

  drop(session: PartitionSession): void {
    this.lines.get(session)?.draining.abort()
    this.lines.delete(session)
  }

  watch(now: number): void {
    for (const { session, call } of this.lines.values()) {
      if (call && now - call.startedAt > this.runtime.maxProcessingMs) this.runtime.hung(session, call)
    }
  }

  private async work(line: Line): Promise<void> {
    try {
      while (!line.draining.signal.aborted) {
        const entry = line.entries.shift()
        if (entry === undefined) break
        if (line.session.topic.codec.validate) await validateEntry(line.session, entry)
        for (const slice of this.slices(line.session, entry)) {
          if (line.draining.signal.aborted) return
          await this.process(line, entry, slice, 1, 0)
        }
      }
    } catch (error) {
      if (!line.session.gone) this.runtime.fail(error)
    } finally {
      line.working = undefined
    }
  }

  /** Cuts an entry by `maxBatchRecords`, and so that a record which comes back from parking is alone. */
  private *slices(session: PartitionSession, entry: WorkEntry): Iterable<Slice> {
    const { batch } = entry
    let from = 0
    if (session.parked.size > 0) {
      for (let i = 0; i < batch.count; i++) {
        const admission = admit(session, batch, i)
        if (typeof admission === 'string' && admission !== 'early') continue
        yield* this.cut(from, i)
        // Asked again: what the slices before it did decides whether its turn has come.
        const now = admit(session, batch, i)
        yield typeof now === 'string' ? { from: i, to: i + 1 } : { from: i, to: i + 1, ticket: now }
        from = i + 1
      }
    }
    yield* this.cut(from, batch.count)
  }

  private *cut(from: number, to: number): Iterable<Slice> {
    for (let at = from; at < to; at += this.maxRecords)
      yield { from: at, to: Math.min(to, at + this.maxRecords) }
  }

  /** Brings a slice to its end: done, retried, halved, or poison. `before` are the calls that saw it earlier. */
  private async process(
    line: Line,
    entry: WorkEntry,
    whole: Slice,
    attempts: number,
    before: number,
  ): Promise<void> {
    const { retry, counters } = this.runtime
    let slice = await this.admitted(line, entry, whole)
    for (let attempt = 1; sizeOf(slice) > 0; attempt++) {
      const outcome = await this.call(line, entry, slice, before + attempt)
      if (line.session.gone) return
      if (outcome.kind === 'done') return this.finish(line, entry, slice)
      const calls = before + attempt
      if (outcome.kind === 'failed') {
        this.finish(line, entry, slice, outcome.failed)
        slice = {
          from: slice.from,
          to: slice.to,
          picked: outcome.failed,
          ...(slice.ticket && { ticket: slice.ticket }),
        }
      } else {
        const refused = indexOfRefused(entry, slice, outcome.error)
        if (refused !== undefined) {
          // The record itself is unreadable: it alone is poison, and this call does not count.
          await this.poison(line, entry, refused, outcome.error, calls, slice.ticket)
          slice = without(slice, refused)
          attempt--
          continue
        }
      }
      const again = attempts === 1 && before === 0 ? retry.again(attempt, outcome.error) : false
      if (!again) return this.giveUp(line, entry, slice, outcome, calls)
      if (line.draining.signal.aborted) return
      counters.retried += sizeOf(slice)
      try {
        await backoff(retry.delayMs(attempt), line.draining.signal)
      } catch {
        // Revoked: the next owner tries again.
        return
      }
    }
  }

  /** No attempt is left: what was named is poison, what was not is halved until it can be named. */
  private async giveUp(
    line: Line,
    entry: WorkEntry,
    slice: Slice,
    outcome: Outcome,
    calls: number,
  ): Promise<void> {
    if (outcome.kind === 'done') return
    const indexes = indexesOf(slice)
    if (outcome.kind === 'failed' || indexes.length === 1) {
      for (const index of indexes) {
        if (line.session.gone) return
        await this.poison(line, entry, index, outcome.error, calls, slice.ticket)
      }
      return
    }
    const half = indexes.length >> 1
    for (const part of [indexes.subarray(0, half), indexes.subarray(half)]) {
      if (line.session.gone || line.draining.signal.aborted) return
      await this.process(line, entry, { from: slice.from, to: slice.to, picked: part }, 1, calls)
    }
  }

  /** Leaves out what is not the handler's, and deals with it. */
  private async admitted(line: Line, entry: WorkEntry, slice: Slice): Promise<Slice> {
    if (slice.ticket) return slice
    const { session } = line
    let kept: number[] | undefined
    const indexes = slice.picked
    const count = sizeOf(slice)
    for (let i = 0; i < count; i++) {
      const index = indexes?.[i] ?? slice.from + i
      const admission = admit(session, entry.batch, index)
      if (admission === 'handle') {
        kept?.push(index)
        continue
      }
      if (kept === undefined) {
        kept = []
        for (let j = 0; j < i; j++) kept.push(indexes?.[j] ?? slice.from + j)
      }
      if (admission === 'park') await this.runtime.poison.follow(session, entry, index)
      if (admission === 'early') await this.runtime.poison.again(session, entry, index)
      this.done(line, entry, index)
    }
    return kept === undefined ? slice : { from: slice.from, to: slice.to, picked: Int32Array.from(kept) }
  }

  private async call(line: Line, entry: WorkEntry, slice: Slice, attempt: number): Promise<Outcome> {
    const { session } = line
    const batch = new CoreConsumedBatch(this.host, session, entry, slice.from, slice.to, slice.picked)
    const context = attempt === 1 ? line.context : { ...line.context, attempt }
    const call: Call = { startedAt: performance.now() }
    line.call = call
    try {
      let result = this.runtime.observed
        ? this.runtime.observe(entry.batch, [...indexesOf(slice)], () =>
            this.handler(batch as never, context),
          )
        : this.handler(batch as never, context)
      if (isAsyncResult(result)) result = await result
      return outcomeOf(entry, slice, result)
    } catch (error) {
      return { kind: 'threw', error }
    } finally {
      line.call = undefined
      this.runtime.ended(call)
    }
  }

  /** Counts a slice as done, but for the records in `except`. */
  private finish(line: Line, entry: WorkEntry, slice: Slice, except?: Int32Array): void {
    const { session } = line
    if (slice.ticket && !except) {
      session.parked.release(entry.batch.key(slice.from) as Uint8Array, slice.ticket)
    }
    if (slice.picked === undefined && except === undefined) {
      this.runtime.counters.processed += slice.to - slice.from
      if (entry.prefix >= slice.from) return session.finishTo(entry, slice.to)
    }
    for (const index of indexesOf(slice)) if (!except?.includes(index)) this.done(line, entry, index)
  }

  private done(line: Line, entry: WorkEntry, index: number): void {
    this.runtime.counters.processed++
    line.session.finish(entry, index)
  }

  private async poison(
    line: Line,
    entry: WorkEntry,
    index: number,
    error: unknown,
    attempts: number,
    ticket: ParkingTicket | undefined,
  ): Promise<void> {
    await this.runtime.poison.handle({ session: line.session, entry, index, error, attempts, ticket })
    this.done(line, entry, index)
  }
}

async function validateEntry(session: PartitionSession, entry: WorkEntry): Promise<void> {
  const records = Array.from(
    { length: entry.batch.count },
    (_, i) => new LazyRecord(entry.batch, i, session.topic),
  )
  entry.records = records
  await validateRecords(session.topic, records)
}

function sizeOf(slice: Slice): number {
  return slice.picked?.length ?? slice.to - slice.from
}

function indexesOf(slice: Slice): Int32Array {
  return slice.picked ?? Int32Array.from({ length: slice.to - slice.from }, (_, i) => slice.from + i)
}

function without(slice: Slice, index: number): Slice {
  return { ...slice, picked: indexesOf(slice).filter((other) => other !== index) }
}

/** The record of the slice whose bytes or schema made the handler throw. */
function indexOfRefused(entry: WorkEntry, slice: Slice, error: unknown): number | undefined {
  if (!(error instanceof DecodeError)) return undefined
  return indexesOf(slice).find((index) => entry.batch.position(index) === error.position)
}

function outcomeOf(entry: WorkEntry, slice: Slice, result: unknown): Outcome {
  const named = (result as { failed?: unknown } | undefined | null)?.failed
  if (!Array.isArray(named) || named.length === 0) return { kind: 'done' }
  const wanted = new Set<unknown>(named)
  const failed = indexesOf(slice).filter((index) => wanted.delete(entry.batch.position(index)))
  if (wanted.size > 0) {
    const unknown = [...wanted].slice(0, 3).join(', ')
    const message = `the batch handler named failed positions that are not in its batch: ${unknown}. Return positions of this batch.`
    return { kind: 'threw', error: new StreamError('INVALID_ARGUMENT', message) }
  }
  return { kind: 'failed', failed, error: new Error('the batch handler reported the record as failed') }
}
