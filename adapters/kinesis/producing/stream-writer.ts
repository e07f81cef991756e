import { setTimeout as pause } from 'node:timers/promises'
import { PutRecordsCommand, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import type { RecordEncoder } from '../records/index.ts'
import { retrying } from '../service/retrying.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import { AggregateComposer } from './aggregate-composer.ts'
import { Backlog } from './backlog.ts'
import type { Composer } from './composer.ts'
import { PlainComposer } from './plain-composer.ts'
import type { PutEntry, PutRequest } from './put-request.ts'
import type { Landing, SendCall } from './send-call.ts'

/** With so many requests on their way, another one waits until it is worth while, but no longer than this. Milliseconds. */
const EAGER_REQUESTS = 2
const HOLD_MS = 25
const MAX_REQUESTS = 32
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
const LOOK_AGAIN_MS = 100
/** How often late calls are looked for. */
const SWEEP_MS = 500

interface Stray {
  readonly entry: PutEntry
  readonly landing: Landing
}

/** Writes the records of one stream, each key's in the order of the calls, whatever fails and whichever shards there are. */
export class StreamWriter {
  readonly #kinesis: Kinesis
  readonly #stream: string
  readonly #encoder: RecordEncoder
  readonly #composer: Composer
  readonly #strict: boolean
  readonly #calls = new Set<SendCall>()
  /** Aggregates that landed in another shard than was meant: whether its readers take them is known with its range. */
  readonly #strays: Stray[] = []
  /** Undefined as long as nothing is known of the stream. */
  #backlog: Backlog | undefined
  /** Calls that came while the stream was looked for, in order. */
  #waiting: SendCall[] = []
  #loading = false
  #scheduled = false
  #remapping: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #sweeper: NodeJS.Timeout | undefined
  #requests = 0
  #flushes = 0
  /** `performance.now()` since when something waits that is not worth a request yet. */
  #heldSince: number | undefined
  #pausedUntil = 0
  #pauseMs = FIRST_PAUSE_MS
  #closed: StreamError | undefined

  constructor(kinesis: Kinesis, stream: string, encoder: RecordEncoder) {
    this.#kinesis = kinesis
    this.#stream = stream
    this.#encoder = encoder
    const { aggregate, lingerMs, order } = kinesis.settings
    this.#composer = aggregate ? new AggregateComposer(lingerMs) : new PlainComposer()
    this.#strict = order === 'strict'
  }

  send(call: SendCall): void {
    if (this.#closed !== undefined) return call.giveUp(this.#closed)
    this.#calls.add(call)
    call.whenSettled(() => this.#calls.delete(call))
    this.#sweeper ??= setInterval(this.#sweep, SWEEP_MS)
    if (this.#waiting.length === 0 && this.#accept(call)) return
    this.#waiting.push(call)
    if (!this.#loading) void this.#load()
  }

  /** Resolves when every earlier call has settled. */
  async flush(): Promise<void> {
    this.#flushes++
    this.#composer.flushing = true
    this.#schedule()
    await Promise.all(Array.from(this.#calls, (call) => new Promise<void>((done) => call.whenSettled(done))))
    this.#flushes--
    this.#composer.flushing = this.#flushes > 0
  }

  /** What has not been answered fails with `error`, and so do later calls. */
  close(error: StreamError): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    clearTimeout(this.#timer)
    clearInterval(this.#sweeper)
    for (const call of this.#calls) call.giveUp(error)
  }

  get #aggregates(): boolean {
    return this.#composer instanceof AggregateComposer
  }

  /** False where the stream, or a shard that the call names, must be looked for first. */
  #accept(call: SendCall): boolean {
    const backlog = this.#backlog
    if (backlog === undefined) return false
    const { lanes } = backlog
    // Somebody else of this driver has looked since: a shard was split, a reader met an end.
    const known = this.#kinesis.streams.known(this.#stream)
    if (known !== undefined && known.asOf > lanes.map.asOf) backlog.replaceMap(known)
    if (lanes.map.asOf < call.begun) {
      for (const { partition } of call.records) {
        if (partition !== undefined && lanes.map.shard(partition)?.open !== true) return false
      }
    }
    const error = backlog.admit(call)
    if (error !== undefined) call.giveUp(error)
    this.#schedule()
    return true
  }

  async #load(): Promise<void> {
    const { streams } = this.#kinesis
    this.#loading = true
    try {
      while (this.#waiting.length > 0) {
        const [map, info, maxRecordBytes] = await Promise.all([
          streams.shards(this.#stream, { maxAgeMs: 0 }),
          streams.info(this.#stream),
          streams.maxRecordBytes(this.#stream),
        ])
        const limits = { stream: this.#stream, maxRecordBytes, maxEntryBytes: info.maxRecordBytes }
        if (this.#backlog === undefined) this.#backlog = new Backlog(map, this.#strict, this.#encoder, limits)
        else this.#replaceMap(map)
        while (this.#waiting.length > 0 && this.#accept(this.#waiting[0]!)) this.#waiting.shift()
      }
    } catch (cause) {
      const error = classify(cause)
      for (const call of this.#waiting.splice(0)) call.giveUp(error)
    } finally {
      this.#loading = false
    }
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#dispatch)
  }

  readonly #dispatch = (): void => {
    this.#scheduled = false
    const backlog = this.#backlog
    if (this.#closed !== undefined || backlog === undefined) return
    const { lanes } = backlog
    const now = performance.now()
    // An aggregate is made for a shard's range, so it waits until that is known.
    const mayCompose = now >= this.#pausedUntil && (this.#remapping === undefined || !this.#aggregates)
    const limit = Math.min(MAX_REQUESTS, 2 + 2 * lanes.all.length)
    while (mayCompose && lanes.ready > 0 && this.#requests < limit) {
      if (this.#requests >= EAGER_REQUESTS && !this.#composer.isEnough(lanes) && this.#hold(now)) break
      const request = this.#composer.compose(backlog, now)
      if (request.entries.length === 0) break
      this.#heldSince = undefined
      void this.#put(request)
    }
    this.#wake(backlog, now)
  }

  #hold(now: number): boolean {
    this.#heldSince ??= now
    return now < this.#heldSince + HOLD_MS
  }

  /** Comes back when the first of the pauses is over. */
  #wake(backlog: Backlog, now: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { lanes } = backlog
    if (lanes.ready === 0) return
    let at = Number.POSITIVE_INFINITY
    for (const lane of lanes.all) at = Math.min(at, this.#composer.dueAt(lane, now))
    at = Math.max(at, this.#pausedUntil, (this.#heldSince ?? now - HOLD_MS) + HOLD_MS)
    // What could go now waits for an answer, which dispatches too.
    if (at > now) this.#timer = setTimeout(this.#dispatch, Math.ceil(at - now))
  }

  async #put(request: PutRequest): Promise<void> {
    const { entries } = request
    const backlog = this.#backlog
    this.#requests++
    try {
      const command = new PutRecordsCommand({
        StreamName: this.#stream,
        Records: entries as unknown as { Data: Uint8Array; PartitionKey: string }[],
      })
      const { Records = [] } = await this.#kinesis.service.call(command)
      this.#requests--
      this.#composer.answered(request)
      this.#pauseMs = FIRST_PAUSE_MS
      // Given up meanwhile, with all that was known of the stream.
      if (backlog !== this.#backlog) return
      this.#answered(backlog!, entries, Records)
    } catch (cause) {
      this.#requests--
      if (backlog !== this.#backlog) return
      this.#failed(backlog!, entries, classify(cause))
    }
    this.#schedule()
  }

  #answered(backlog: Backlog, entries: readonly PutEntry[], results: readonly PutRecordsResultEntry[]): void {
    const now = performance.now()
    const again: PutEntry[] = []
    let moved = false
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      const { lane } = entry
      const result = results[i] ?? {}
      if (hasLanded(result)) {
        lane.accepted()
        const elsewhere = result.ShardId !== lane.shard.id || entry.unsure
        if (elsewhere) moved = true
        if (elsewhere && this.#aggregates) this.#strays.push({ entry, landing: result })
        else backlog.written(entry, result)
        continue
      }
      const { ErrorCode, ErrorMessage } = result
      // What the service leaves out of its answer is not taken for written.
      const error = classify({ name: ErrorCode ?? 'InternalFailure', message: ErrorMessage ?? 'no answer' })
      if (!error.retryable) {
        backlog.giveUp(entry, error)
        continue
      }
      if (error.code === 'THROTTLED') lane.pace.throttled(now)
      lane.refused(now)
      again.push(entry)
    }
    backlog.putBack(again)
    if (moved) this.#remap()
  }

  #failed(backlog: Backlog, entries: readonly PutEntry[], error: StreamError): void {
    if (this.#closed !== undefined) return
    if (error.code === 'INVALID_ARGUMENT' && entries.length > 1) {
      // One of them is refused, and with it all: looked for by halves, so that the others are written.
      const half = entries.length >> 1
      // They share its memory.
      void this.#put({ entries: entries.slice(0, half), memory: undefined })
      void this.#put({ entries: entries.slice(half), memory: undefined })
      return
    }
    if (error.code === 'NOT_FOUND' || error.code === 'PERMISSION_DENIED') return this.#lose(error)
    if (!error.retryable) {
      for (const entry of entries) backlog.giveUp(entry, error)
      return
    }
    const now = performance.now()
    if (error.code === 'THROTTLED') for (const { lane } of entries) lane.pace.throttled(now)
    if (now >= this.#pausedUntil) {
      this.#pausedUntil = now + this.#pauseMs * (0.5 + Math.random() * 0.5)
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
    }
    backlog.putBack(entries)
  }

  /** The stream as it was known is no more: all that is not written fails, and the next call looks for it anew. */
  #lose(error: StreamError): void {
    this.#kinesis.streams.forget(this.#stream)
    this.#backlog = undefined
    this.#strays.length = 0
    for (const call of this.#calls) call.giveUp(error)
  }

  /** A record went to another shard than it was meant for: the stream was resharded. */
  #remap(): void {
    this.#remapping ??= this.#lookAgain().finally(() => {
      this.#remapping = undefined
      this.#schedule()
    })
  }

  async #lookAgain(): Promise<void> {
    const { streams } = this.#kinesis
    streams.invalidate(this.#stream)
    const known = (): boolean =>
      this.#strays.every(({ landing }) => this.#backlog?.lanes.map.shard(landing.ShardId))
    try {
      do {
        const map = await retrying(() => streams.shards(this.#stream, { maxAgeMs: 0 }), {
          deadline: performance.now() + this.#kinesis.settings.deliveryTimeoutMs,
          again: ({ retryable }) => retryable && this.#closed === undefined,
        })
        if (this.#backlog === undefined || this.#closed !== undefined) return
        this.#replaceMap(map)
        if (!known()) await pause(LOOK_AGAIN_MS)
      } while (!known())
      this.#settleStrays()
    } catch (cause) {
      this.#lose(classify(cause))
    }
  }

  /**
   * An aggregate that a child of its shard got is taken by every reader if all of it lies in the child's range. Of another one KCL takes
   * nothing, so all of it goes again, each record to its own shard.
   */
  #settleStrays(): void {
    const backlog = this.#backlog!
    for (const { entry, landing } of this.#strays.splice(0)) {
      const { from, to } = backlog.lanes.map.shard(landing.ShardId)!
      if (backlog.liesWithin(entry, from, to)) backlog.written(entry, landing)
      else backlog.putBack([entry])
    }
  }

  #replaceMap(map: ShardMap): void {
    this.#backlog!.replaceMap(map)
    this.#schedule()
  }

  readonly #sweep = (): void => {
    const late = performance.now() - this.#kinesis.settings.deliveryTimeoutMs
    for (const call of this.#calls) {
      if (call.begun > late) break
      call.giveUp(
        new StreamError(
          'TIMEOUT',
          `records for '${this.#stream}' could not be written within ${this.#kinesis.settings.deliveryTimeoutMs} ms: send less, add partitions, or allow more by deliveryTimeoutMs=…`,
          { topic: this.#stream },
        ),
      )
    }
    if (this.#calls.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }
}

function hasLanded(result: PutRecordsResultEntry): result is PutRecordsResultEntry & Landing {
  return Boolean(result.SequenceNumber && result.ShardId)
}
