import { setTimeout as pause } from 'node:timers/promises'
import { PutRecordsCommand, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import type { RecordEncoder } from '../records/index.ts'
import { retrying } from '../service/retrying.ts'
import { AggregateComposer } from './aggregate-composer.ts'
import { checkItem, type RecordLimits } from './check-item.ts'
import type { Composer } from './composer.ts'
import { Item } from './item.ts'
import { KeyOrder } from './key-order.ts'
import { Lanes } from './lanes.ts'
import { PlainComposer } from './plain-composer.ts'
import { hashKeyIn, type PutEntry } from './put-entry.ts'
import type { SendCall } from './send-call.ts'

/** With so many requests on their way, another one waits until it is worth while, but no longer than this. Milliseconds. */
const EAGER_REQUESTS = 2
const HOLD_MS = 25
const MAX_REQUESTS = 32
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
const LOOK_AGAIN_MS = 100
/** How often late calls are looked for. */
const SWEEP_MS = 500

/** What is known of the stream before anything is sent. */
interface Open {
  readonly lanes: Lanes
  readonly order: KeyOrder
  readonly limits: RecordLimits
}

interface Stray {
  readonly entry: PutEntry
  readonly shard: string
  readonly sequence: string
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
  #open: Open | undefined
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
    const open = this.#open
    if (open === undefined) return false
    const { lanes, order, limits } = open
    const { records } = call
    // Somebody else of this driver has looked since: a shard was split, a reader met an end.
    const known = this.#kinesis.streams.known(this.#stream)
    if (known !== undefined && known.asOf > lanes.map.asOf) this.#replaceMap(known)
    if (lanes.map.asOf < call.begun) {
      for (const { partition } of records) {
        if (partition !== undefined && lanes.map.shard(partition)?.open !== true) return false
      }
    }
    const items = new Array<Item>(records.length)
    for (let i = 0; i < items.length; i++) {
      const item = new Item(call, i, this.#encoder.encode(records[i]!), this.#strict)
      const error = checkItem(item, limits)
      if (error !== undefined) {
        call.giveUp(error)
        return true
      }
      items[i] = item
    }
    for (const item of items) {
      const lane = lanes.of(item)
      if (lane !== undefined) this.#composer.admitted(lane, item)
      if (order.admit(item)) this.#route(item)
    }
    this.#schedule()
    return true
  }

  /** Puts an item whose turn has come into the lane of its shard. */
  #route(first: Item): void {
    const { lanes, order } = this.#open!
    for (let item: Item | undefined = first; item !== undefined; item = order.done(item)) {
      if (item.call.settled) continue
      const lane = lanes.of(item)
      if (lane !== undefined) {
        lanes.push(lane, item)
        return
      }
      item.call.fail(item.index, this.#noShard(item.partition!))
    }
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
        if (this.#open === undefined) this.#open = { lanes: new Lanes(map), order: new KeyOrder(), limits }
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
    if (this.#closed !== undefined || this.#open === undefined) return
    const { lanes } = this.#open
    const now = performance.now()
    // An aggregate is made for a shard's range, so it waits until that is known.
    const mayCompose = now >= this.#pausedUntil && (this.#remapping === undefined || !this.#aggregates)
    const limit = Math.min(MAX_REQUESTS, 2 + 2 * lanes.all.length)
    while (mayCompose && lanes.ready > 0 && this.#requests < limit) {
      if (this.#requests >= EAGER_REQUESTS && !this.#composer.isEnough(lanes) && this.#hold(now)) break
      const entries = this.#composer.compose(lanes, now, this.#release)
      if (entries.length === 0) break
      this.#heldSince = undefined
      void this.#put(entries)
    }
    this.#wake(now)
  }

  #hold(now: number): boolean {
    this.#heldSince ??= now
    return now < this.#heldSince + HOLD_MS
  }

  /** Comes back when the first of the pauses is over. */
  #wake(now: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { lanes } = this.#open!
    if (lanes.ready === 0) return
    let at = Number.POSITIVE_INFINITY
    for (const lane of lanes.all) at = Math.min(at, this.#composer.dueAt(lane, now))
    at = Math.max(at, this.#pausedUntil, (this.#heldSince ?? now - HOLD_MS) + HOLD_MS)
    // What could go now waits for an answer, which dispatches too.
    if (at > now) this.#timer = setTimeout(this.#dispatch, Math.ceil(at - now))
  }

  /** Written, given up or dropped: lets the next one of its key go. */
  readonly #release = (item: Item): void => {
    const next = this.#open!.order.done(item)
    if (next !== undefined) this.#route(next)
  }

  async #put(entries: readonly PutEntry[]): Promise<void> {
    const open = this.#open
    this.#requests++
    try {
      const command = new PutRecordsCommand({
        StreamName: this.#stream,
        Records: entries as unknown as { Data: Uint8Array; PartitionKey: string }[],
      })
      const { Records = [] } = await this.#kinesis.service.call(command)
      this.#requests--
      this.#pauseMs = FIRST_PAUSE_MS
      // Given up meanwhile, with all that was known of the stream.
      if (open !== this.#open) return
      this.#answered(entries, Records)
    } catch (cause) {
      this.#requests--
      if (open !== this.#open) return
      this.#failed(entries, classify(cause))
    }
    this.#schedule()
  }

  #answered(entries: readonly PutEntry[], results: readonly PutRecordsResultEntry[]): void {
    const now = performance.now()
    let again: Item[] | undefined
    let moved = false
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      const { lane, items } = entry
      const { SequenceNumber, ShardId, ErrorCode, ErrorMessage } = results[i] ?? {}
      if (SequenceNumber && ShardId) {
        lane.accepted()
        const elsewhere = ShardId !== lane.shard.id || entry.unsure
        if (elsewhere) moved = true
        if (elsewhere && this.#aggregates) {
          this.#strays.push({ entry, shard: ShardId, sequence: SequenceNumber })
          continue
        }
        this.#written(items, ShardId, SequenceNumber)
        continue
      }
      // What the service leaves out of its answer is not taken for written.
      const error = classify({ name: ErrorCode ?? 'InternalFailure', message: ErrorMessage ?? 'no answer' })
      if (!error.retryable) {
        this.#giveUp(items, error)
        continue
      }
      if (error.code === 'THROTTLED') lane.pace.throttled(now)
      lane.refused(now)
      again ??= []
      again.push(...items)
    }
    if (again !== undefined) this.#putBack(again)
    if (moved) this.#remap()
  }

  #failed(entries: readonly PutEntry[], error: StreamError): void {
    if (this.#closed !== undefined) return
    const items = entries.flatMap((entry) => entry.items)
    if (error.code === 'INVALID_ARGUMENT' && entries.length > 1) {
      // One of them is refused, and with it all: looked for by halves, so that the others are written.
      const half = entries.length >> 1
      void this.#put(entries.slice(0, half))
      void this.#put(entries.slice(half))
      return
    }
    if (error.code === 'NOT_FOUND' || error.code === 'PERMISSION_DENIED') return this.#lose(error)
    if (!error.retryable) return this.#giveUp(items, error)
    const now = performance.now()
    if (error.code === 'THROTTLED') for (const { lane } of entries) lane.pace.throttled(now)
    if (now >= this.#pausedUntil) {
      this.#pausedUntil = now + this.#pauseMs * (0.5 + Math.random() * 0.5)
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
    }
    this.#putBack(items)
  }

  #written(items: readonly Item[], shard: string, sequence: string): void {
    for (let sub = 0; sub < items.length; sub++) {
      const item = items[sub]!
      item.call.settle(item.index, shard, sequence, sub)
      this.#release(item)
    }
  }

  /** They go again, before what waits in their lanes. What is newer of their keys still waits for them. */
  #putBack(items: readonly Item[]): void {
    const { lanes } = this.#open!
    const byLane = Map.groupBy(items, (item) => lanes.of(item))
    for (const [lane, back] of byLane) {
      if (lane !== undefined) this.#composer.putBack(lanes, lane, back)
      else for (const item of back) this.#giveUp([item], this.#noShard(item.partition!))
    }
  }

  #giveUp(items: readonly Item[], error: StreamError): void {
    for (const item of items) {
      item.call.fail(item.index, error)
      this.#release(item)
    }
  }

  /** The stream as it was known is no more: all that is not written fails, and the next call looks for it anew. */
  #lose(error: StreamError): void {
    this.#kinesis.streams.forget(this.#stream)
    this.#open = undefined
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
    const known = (): boolean => this.#strays.every(({ shard }) => this.#open?.lanes.map.shard(shard))
    try {
      do {
        const map = await retrying(() => streams.shards(this.#stream, { maxAgeMs: 0 }), {
          deadline: performance.now() + this.#kinesis.settings.deliveryTimeoutMs,
          again: ({ retryable }) => retryable && this.#closed === undefined,
        })
        if (this.#open === undefined || this.#closed !== undefined) return
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
    for (const { entry, shard, sequence } of this.#strays.splice(0)) {
      const { items } = entry
      const { from, to } = this.#open!.lanes.map.shard(shard)!
      const isInside = (item: Item): boolean => {
        const hashKey = hashKeyIn(entry, item)
        return hashKey >= from && hashKey <= to
      }
      if (items.every(isInside)) this.#written(items, shard, sequence)
      else this.#putBack(items)
    }
  }

  #replaceMap(map: Lanes['map']): void {
    for (const item of this.#open!.lanes.replace(map)) this.#route(item)
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

  #noShard(partition: string): StreamError {
    const shard = this.#open?.lanes.map.shard(partition)
    const options = { topic: this.#stream, partition }
    if (shard === undefined) {
      return new StreamError(
        'NOT_FOUND',
        `stream '${this.#stream}' has no shard '${partition}': describe it for those it has, or let the key decide`,
        options,
      )
    }
    return new StreamError(
      'INVALID_ARGUMENT',
      `shard '${partition}' of '${this.#stream}' has ended: send to one of its children (${shard.children.join(', ')}), or let the key decide`,
      options,
    )
  }
}
