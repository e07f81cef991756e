import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import { encodeBatch } from '../../../src/formats/record-batch/index.ts'
import type { ProduceResult } from '../broker/broker-api.ts'
import type { BrokerLink } from '../broker-link.ts'
import { classify } from '../classify.ts'
import { BatchMemory } from './batch-memory.ts'
import { type CallPart, composeRound, type Piece } from './compose-round.ts'
import { clearRoute, type Route, Router } from './router.ts'
import { SendCall } from './send-call.ts'

/** What the log knows a producer by. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/** A batch on its way, and which parts of which calls are in it. */
interface Batch {
  readonly number: number
  readonly partition: string
  readonly parts: readonly CallPart[]
}

/** The log remembers this many batches of a producer in a partition, to know them when they come again. */
const MAX_ROUNDS = 5
/**
 * One producer's way into one topic. Calls are routed and encoded in their order, in rounds of at most one batch a
 * partition, with a few rounds on their way at once. Whatever goes wrong with a batch (its partition ended, its answer did
 * not come) stops the channel: when all that is on its way has been answered, the layout is asked for again, what was
 * not written is routed anew in its old order, and only then comes what was called meanwhile.
 */
export class TopicChannel {
  readonly #topic: string
  readonly #link: BrokerLink
  readonly #fixed: ProducerIdentity | undefined
  readonly #memory = new BatchMemory()
  #identity: ProducerIdentity | undefined
  #router: Router | undefined
  #pending: Piece[] = []
  #again: Batch[] = []
  #rounds = 0
  #batches = 0
  #stopped = true
  #recovering = false
  #freshIdentity = false
  #closed: StreamError | undefined
  readonly #idle: (() => void)[] = []

  /** With `identity` the batches are part of that producer's transaction; without, the channel gets one of its own. */
  constructor(topic: string, link: BrokerLink, identity: ProducerIdentity | undefined) {
    this.#topic = topic
    this.#link = link
    this.#fixed = this.#identity = identity
    this.#freshIdentity = identity === undefined
  }

  send(records: readonly EncodedRecord[]): SendCall {
    const call = new SendCall(this.#topic, records)
    if (this.#closed !== undefined) call.reject(this.#closed)
    else if (records.length > 0) {
      this.#pending.push({ call, indexes: undefined, next: 0 })
      this.#advance()
    }
    return call
  }

  /** Resolves when every earlier call has settled. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  /** What has not been answered fails with `error`, and so do later calls. */
  close(error: StreamError): void {
    this.#closed = error
    this.#failPending(error)
    this.#settleIdle()
  }

  /** After a batch of a transaction failed nothing more can be sent under its identity. */
  get failed(): boolean {
    return this.#fixed !== undefined && this.#freshIdentity
  }

  #advance(): void {
    while (!this.#stopped && this.#pending.length > 0 && this.#rounds < MAX_ROUNDS) this.#round()
    if (this.#stopped && this.#rounds === 0 && !this.#recovering && this.#closed === undefined)
      void this.#recover()
    if (this.#idle.length > 0) this.#settleIdle()
  }

  /** Puts as many calls as fit into one batch a partition, encodes and hands over. */
  #round(): void {
    const router = this.#router!
    const round = composeRound(this.#topic, this.#pending, router)
    this.#pending = round.left
    let open = 0
    const answered = (): void => {
      if (--open > 0) return
      this.#rounds--
      this.#advance()
    }
    for (const [route, parts] of round.batches) {
      const batch = { number: this.#batches++, partition: route.id, parts }
      if (this.#send(round.records, route, batch, answered)) open++
      clearRoute(route)
    }
    if (open > 0) this.#rounds++
  }

  /** Appends the route's batch. True when the answer is still to come; `answered` is then called after it. */
  #send(records: readonly EncodedRecord[], route: Route, batch: Batch, answered: () => void): boolean {
    const { count } = route
    const identity = this.#identity!
    const { layout } = this.#router!
    let answer: ProduceResult | Promise<ProduceResult>
    try {
      const bytes = encodeBatch(records, route.indexes, 0, count, {
        timestamp: Date.now(),
        producerId: identity.producerId,
        producerEpoch: identity.epoch,
        baseSequence: route.sequence,
        transactional: this.#fixed !== undefined,
        compression: layout.settings.compression,
        ...(this.#link.local ? { allocate: this.#memory.allocate } : {}),
      })
      route.sequence = (route.sequence + count) % 2 ** 31
      answer = this.#link.produce({ topic: this.#topic, topicId: layout.topicId, partition: route.id, bytes })
    } catch (error) {
      this.#failed(batch, error)
      return false
    }
    if (!(answer instanceof Promise)) {
      this.#answered(batch, answer)
      return false
    }
    answer
      .then(
        (result) => this.#answered(batch, result),
        (error) => this.#failed(batch, error),
      )
      .then(answered)
    return true
  }

  #answered(batch: Batch, answer: ProduceResult): void {
    if (answer.status === 'ok') {
      for (const { call, part } of batch.parts) call.settle(part, answer.baseOffset)
      return
    }
    this.#stopped = true
    if (answer.status === 'sequence') {
      if (this.#fixed !== undefined) return this.#failed(batch, lostForerunner(this.#topic))
      this.#freshIdentity = true
    }
    this.#again.push(batch)
  }

  #failed(batch: Batch, error: unknown): void {
    const failure = classify(error)
    for (const { call, part } of batch.parts) call.fail(part, failure)
    // Later batches carry sequences that follow this one's, which may be missing.
    this.#stopped = true
    this.#freshIdentity = true
  }

  /** Nothing is on its way: begins again with the layout as it is now. */
  async #recover(): Promise<void> {
    if (this.#again.length === 0 && this.#pending.length === 0) return
    this.#recovering = true
    try {
      if (this.failed) throw lostForerunner(this.#topic)
      const fresh = this.#freshIdentity
      const [layout, identity] = await Promise.all([
        this.#link.layout({ topic: this.#topic }),
        fresh ? this.#link.initProducer({ owner: this.#link.owner }) : this.#identity!,
      ])
      this.#router = new Router(layout, fresh ? undefined : this.#router)
      this.#identity = identity
      this.#freshIdentity = false
      this.#stopped = false
      const again = this.#again.sort((a, b) => a.number - b.number).flatMap(toPieces)
      this.#again = []
      this.#pending = [...again, ...this.#pending]
    } catch (error) {
      this.#failPending(classify(error))
    } finally {
      this.#recovering = false
    }
    this.#advance()
  }

  #failPending(error: StreamError): void {
    const pieces = [...this.#again.flatMap(toPieces), ...this.#pending]
    this.#again = []
    this.#pending = []
    for (const { call, indexes, next } of pieces) {
      if (indexes === undefined && next === 0) {
        call.reject(error)
        continue
      }
      const part = call.addPart('', 0)
      const left = indexes === undefined ? range(next, call.count) : indexes.slice(next)
      for (const i of left) call.partOf[i] = part
      call.parts[part]!.count = left.length
      call.fail(part, error)
    }
  }

  #isIdle(): boolean {
    return this.#rounds === 0 && this.#pending.length === 0 && this.#again.length === 0 && !this.#recovering
  }

  #settleIdle(): void {
    if (!this.#isIdle()) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** The records of a batch that is to be routed anew. */
function toPieces(batch: Batch): Piece[] {
  return batch.parts.map(({ call, part }) => {
    const indexes: number[] = []
    for (let i = 0; i < call.count; i++) if (call.partOf[i] === part) indexes.push(i)
    return { call, indexes, next: 0 }
  })
}

function lostForerunner(topic: string): StreamError {
  return new StreamError(
    'UNAVAILABLE',
    `an earlier batch of the transaction did not get into '${topic}': abort the transaction and begin it again`,
    { topic },
  )
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
