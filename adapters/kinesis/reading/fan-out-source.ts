import type { SubscribeToShardEvent } from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import { isError } from './is-error.ts'
import { pause } from './pause.ts'
import type { ShardClaim } from './shard-claims.ts'
import type { ShardEnds } from './shard-ends.ts'
import type { Delivery, ShardSource, StartingPlace } from './shard-source.ts'
import { forgetConsumer, streamConsumer } from './stream-consumers.ts'
import { Subscription } from './subscription.ts'

/** What the service keeps to. Milliseconds. */
export interface FanOutTimes {
  /** A subscription is replaced at that age, before the service ends it at five minutes. */
  readonly renewAfterMs: number
  /** Another one is refused for so long after one began. */
  readonly betweenMs: number
  /** The service speaks every few seconds, records or not. */
  readonly silenceMs: number
  /** Added to `betweenMs`, the most by chance: others may wait for the same. */
  readonly jitterMs: number
}

export const FAN_OUT_TIMES: FanOutTimes = {
  renewAfterMs: 270_000,
  betweenMs: 5_000,
  silenceMs: 60_000,
  jitterMs: 900,
}

/** Beyond the service's own time, as paths differ. */
const MARGIN_MS = 100
/** An event that comes sooner was there before it was asked for, so its news may be old. */
const BUFFERED_MS = 5

/** Reads a shard by enhanced fan-out: one subscription after another, each from where the last one stood. */
export class FanOutSource implements ShardSource {
  readonly readyAt = 0
  readonly #kinesis: Kinesis
  readonly #stream: string
  readonly #shardId: string
  readonly #consumer: string
  readonly #claim: ShardClaim
  readonly #ends: ShardEnds
  readonly #times: FanOutTimes
  readonly #closing = new AbortController()
  #place: StartingPlace
  #subscription: Subscription | undefined
  #renewAt = 0
  /** Until then what events say of the shard's end was true. By the service's clock. */
  #freshAt = 0
  /** The consumer was not there, twice without an event in between: it is given up. */
  #missing = false

  constructor(
    kinesis: Kinesis,
    stream: string,
    shardId: string,
    consumer: string,
    claim: ShardClaim,
    place: StartingPlace,
    ends: ShardEnds,
    times: FanOutTimes,
  ) {
    this.#kinesis = kinesis
    this.#stream = stream
    this.#shardId = shardId
    this.#consumer = consumer
    this.#claim = claim
    this.#place = place
    this.#ends = ends
    this.#times = times
  }

  get place(): StartingPlace {
    return this.#place
  }

  async fetch(): Promise<Delivery> {
    for (;;) {
      this.#closing.signal.throwIfAborted()
      if (this.#subscription !== undefined && performance.now() >= this.#renewAt) await this.#renew()
      const subscription = this.#subscription ?? (await this.#subscribe())
      const asked = performance.now()
      const askedAt = this.#kinesis.service.now()
      const event = await this.#next(subscription)
      if (event === undefined) continue
      if (performance.now() - asked > BUFFERED_MS) this.#freshAt = askedAt
      return this.#deliver(event)
    }
  }

  restart(place: StartingPlace): void {
    this.#drop()
    this.#place = place
  }

  close(): void {
    this.#closing.abort()
    this.#drop()
    this.#claim.release()
  }

  /** Undefined where the subscription is over and another one is to follow. */
  async #next(subscription: Subscription): Promise<SubscribeToShardEvent | undefined> {
    let event: SubscribeToShardEvent | undefined
    try {
      event = await subscription.next(this.#times.silenceMs)
    } catch (error) {
      this.#drop()
      this.#closing.signal.throwIfAborted()
      // Somebody subscribed for the same consumer: not fatal, and if it stays so both get their turns.
      if (isError(error, 'ResourceInUseException')) this.#preempted(subscription)
      else if (isError(error, 'ResourceNotFoundException')) this.#lostConsumer(error)
      else if (classify(error).code !== 'TIMEOUT') throw error
      return undefined
    }
    if (event !== undefined) return event
    this.#drop()
    if (performance.now() < this.#renewAt) this.#preempted(subscription)
    return undefined
  }

  async #deliver(event: SubscribeToShardEvent): Promise<Delivery> {
    this.#missing = false
    const { Records: records = [], MillisBehindLatest: millisBehind = 0, ChildShards: children = [] } = event
    const sequence = event.ContinuationSequenceNumber ?? records.at(-1)?.SequenceNumber
    let ended = false
    if (event.ContinuationSequenceNumber === undefined || event.ContinuationSequenceNumber === null) {
      this.#drop()
      // Without children that is known by a list of shards; what came with it must not be lost when that fails.
      if (children.length > 0 || records.length === 0) ended = await this.#ends.ended(children)
    }
    if (sequence !== undefined && sequence !== null) this.#place = { type: 'AFTER_SEQUENCE_NUMBER', sequence }
    return { records, millisBehind, askedAt: this.#freshAt, ended }
  }

  /** Puts a new subscription in the place of one that is about to end. What the old one still sends comes by the new one. */
  async #renew(): Promise<void> {
    const old = this.#subscription!
    try {
      await this.#subscribe()
      old.close()
    } catch (error) {
      this.#closing.signal.throwIfAborted()
      this.#kinesis.logger.debug(
        `the subscription of ${this.#shardId} was not renewed: ${classify(error).message}`,
      )
      this.#subscription = old
      this.#renewAt = performance.now() + this.#times.betweenMs
    }
  }

  async #subscribe(): Promise<Subscription> {
    const { signal } = this.#closing
    const { renewAfterMs } = this.#times
    const wait = this.#claim.notBefore - performance.now()
    if (wait > 0) await pause(wait, signal)
    const arn = await streamConsumer(this.#kinesis, this.#stream, this.#consumer)
    signal.throwIfAborted()
    const askedAt = this.#kinesis.service.now()
    let subscription: Subscription
    try {
      subscription = await Subscription.open(this.#kinesis, arn, this.#shardId, this.#place)
    } catch (error) {
      if (isError(error, 'ResourceInUseException')) this.#holdOff()
      if (isError(error, 'ResourceNotFoundException')) this.#lostConsumer(error)
      throw retryable(error)
    }
    if (signal.aborted) {
      subscription.close()
      throw signal.reason
    }
    this.#holdOff()
    this.#freshAt = askedAt
    this.#subscription = subscription
    this.#renewAt = performance.now() + renewAfterMs * (1 - Math.random() / 20)
    return subscription
  }

  /** No other subscription before the service allows one. */
  #holdOff(): void {
    const { betweenMs, jitterMs } = this.#times
    this.#claim.notBefore = performance.now() + betweenMs + MARGIN_MS + Math.random() * jitterMs
  }

  #preempted(subscription: Subscription): void {
    const seconds = Math.round((performance.now() - subscription.since) / 1_000)
    this.#kinesis.logger.info(
      `the subscription of consumer '${this.#consumer}' to ${this.#shardId} ended after ${seconds} s, it is opened again: if that goes on, another process uses the same consumer`,
    )
  }

  /** It was deregistered: it is registered again, once. Throws where that did not help. */
  #lostConsumer(error: unknown): void {
    forgetConsumer(this.#kinesis, this.#stream, this.#consumer)
    if (this.#missing) throw error
    this.#missing = true
  }

  #drop(): void {
    this.#subscription?.close()
    this.#subscription = undefined
  }
}

/** Not there may be on its way, once; whoever counts has thrown already. */
function retryable(error: unknown): unknown {
  if (!isError(error, 'ResourceNotFoundException')) return error
  const { message } = classify(error)
  return new StreamError('UNAVAILABLE', message, { cause: error })
}
