import type { EventSink } from '../wire/event-sink.ts'
import { RateBucket } from './rate-bucket.ts'
import type { Shard } from './shard.ts'

export interface SubscriptionOptions {
  readonly consumer: string
  readonly shard: Shard
  /** Of the first record to give. */
  readonly place: number
  readonly lifeMs: number
  readonly idleMs: number
  readonly bytesPerSecond: number
  readonly now: () => number
  readonly steady: () => number
}

/** What a test does to a subscription in the middle. */
export type Interruption =
  /** An error in the stream, which ends by it: ResourceNotFoundException, KMSDisabledException and so on. */
  | { readonly kind: 'event-error'; readonly code: string; readonly message?: string }
  /** Nothing more is sent, and the connection stays. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'end-events' }
  | { readonly kind: 'cut-events' }

export const isInterruption = (effect: { readonly kind: string }): effect is Interruption =>
  ['event-error', 'silence', 'end-events', 'cut-events'].includes(effect.kind)

const EVENT_BYTES = 1_048_576
const EVENT_RECORDS = 10_000

/** One SubscribeToShard that is under way. */
export class Subscription {
  readonly consumer: string
  readonly shard: Shard
  readonly #options: SubscriptionOptions
  readonly #sink: EventSink
  readonly #bytes: RateBucket
  readonly #onEnd: () => void
  readonly #life: NodeJS.Timeout
  readonly #unwatch: () => void
  #idle: NodeJS.Timeout | undefined
  #pause: NodeJS.Timeout | undefined
  #scheduled = false
  #blocked = false
  #silent = false
  #ended = false
  #place: number
  #events = 0
  #planned: { readonly afterEvents: number; readonly interruption: Interruption } | undefined

  constructor(options: SubscriptionOptions, sink: EventSink, onEnd: () => void) {
    this.consumer = options.consumer
    this.shard = options.shard
    this.#options = options
    this.#sink = sink
    this.#place = options.place
    this.#bytes = new RateBucket(options.bytesPerSecond, options.steady)
    this.#onEnd = onEnd
    this.#life = setTimeout(() => this.#finish(() => sink.end()), options.lifeMs)
    this.#unwatch = options.shard.watch(() => this.#schedule())
    sink.onClose(() => this.#finish(() => {}))
    sink.event('initial-response', {})
    this.#schedule()
    this.#restartIdle()
  }

  /** What a stream has given, all events counted. */
  get events(): number {
    return this.#events
  }

  interrupt(interruption: Interruption): void {
    const { kind } = interruption
    if (kind === 'silence') this.#silent = true
    else if (kind === 'end-events') this.#finish(() => this.#sink.end())
    else if (kind === 'cut-events') this.#finish(() => this.#sink.cut())
    else {
      const { code, message = `${code} in the stream` } = interruption
      this.#finish(() => this.#sink.exception(code, message))
    }
  }

  interruptAfter(afterEvents: number, interruption: Interruption): void {
    if (afterEvents <= this.#events) this.interrupt(interruption)
    else this.#planned = { afterEvents, interruption }
  }

  /** By a later SubscribeToShard of the same consumer. */
  preempt(): void {
    this.#finish(() =>
      this.#sink.exception(
        'ResourceInUseException',
        `Another active subscription exists for this consumer: ${this.consumer}.`,
      ),
    )
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#push()
    })
  }

  #push(): void {
    if (this.#ended || this.#silent || this.#blocked || this.#pause !== undefined) return
    const waitMs = this.#bytes.waitMs()
    if (waitMs > 0) {
      this.#pause = setTimeout(() => {
        this.#pause = undefined
        this.#push()
      }, waitMs)
      return
    }
    const records = this.shard.read(this.#place, EVENT_RECORDS, EVENT_BYTES)
    const last = records.at(-1)
    if (last !== undefined) this.#place = last.place + 1
    const atEnd = this.shard.closedMs !== undefined && !this.shard.hasMore(this.#place)
    if (last === undefined && !atEnd) return
    this.#bytes.charge(records.reduce((sum, { bytes }) => sum + bytes, 0))
    this.#give(
      records.map(({ wire }) => wire),
      atEnd,
    )
    if (atEnd) this.#finish(() => this.#sink.end())
    else if (this.shard.hasMore(this.#place)) this.#schedule()
  }

  #give(Records: readonly object[], atEnd: boolean): void {
    this.#restartIdle()
    const more = this.#sink.event('SubscribeToShardEvent', {
      Records,
      MillisBehindLatest: this.shard.millisBehind(this.#place, this.#options.now()),
      // The number after the last record given: no record has it.
      ...(atEnd
        ? { ContinuationSequenceNumber: null, ChildShards: this.shard.describeChildren() }
        : { ContinuationSequenceNumber: this.shard.numberAt(this.#place) }),
    })
    this.#events++
    if (!more) {
      this.#blocked = true
      this.#sink.onDrain(() => {
        this.#blocked = false
        this.#schedule()
      })
    }
    if (this.#planned !== undefined && this.#planned.afterEvents <= this.#events) {
      this.interrupt(this.#planned.interruption)
    }
  }

  #restartIdle(): void {
    clearTimeout(this.#idle)
    if (this.#ended) return
    this.#idle = setTimeout(() => {
      if (this.#silent || this.#ended) return
      if (!this.#blocked && !this.shard.hasMore(this.#place)) {
        // Time goes on where nothing is written: the number moves, and stays before all that comes.
        this.#place = Math.max(this.#place, (this.shard.lastPlace += 2))
        this.#give([], false)
      } else this.#restartIdle()
    }, this.#options.idleMs)
  }

  #finish(say: () => void): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#life)
    clearTimeout(this.#idle)
    clearTimeout(this.#pause)
    this.#unwatch()
    say()
    this.#onEnd()
  }
}
