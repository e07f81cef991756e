import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { encodeBatch } from '../../../src/formats/record-batch/index.ts'
import type { ProduceResult } from '../broker/broker-api.ts'
import type { BrokerLink } from '../broker-link.ts'
import { classify } from '../classify.ts'
import { BatchMemory } from './batch-memory.ts'
import { checkRecords, recordBytes } from './check-records.ts'
import { type Route, Router } from './router.ts'
import { SendCall } from './send-call.ts'

/** What the log knows a producer by. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/** Records of a call that are still to be routed: all, or those of `indexes`, from number `next` on. */
interface Piece {
  readonly call: SendCall
  readonly indexes: readonly number[] | undefined
  next: number
}

/** A batch on its way, and which parts of which calls are in it. */
interface Batch {
  readonly number: number
  readonly partition: string
  readonly parts: { call: SendCall; part: number }[]
}

/** A batch is closed before it grows beyond this; a larger record goes alone. */
const MAX_BATCH_BYTES = 1024 * 1024
/** The log remembers this many batches of a producer in a partition, to know them when they come again. */
const MAX_ROUNDS = 5
/** About what a record adds to its own bytes. */
const RECORD_OVERHEAD_BYTES = 16

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

  /** Routes as many calls as fit into one batch a partition, encodes and hands over. */
  #round(): void {
    const router = this.#router!
    const first = this.#pending[0]!
    const alone = this.#pending.length === 1 && first.indexes === undefined && first.next === 0
    const records: EncodedRecord[] | undefined = alone ? undefined : []
    const used: Route[] = []
    const batches = new Map<Route, Batch>()
    const keyless = router.next()
    let done = 0
    for (const piece of this.#pending) {
      const isDone =
        !this.#check(piece, router) || this.#route(piece, router, keyless, records, used, batches)
      if (!isDone) break
      done++
    }
    this.#pending = done === this.#pending.length ? [] : this.#pending.slice(done)
    const source = records ?? first.call.records
    let open = 0
    const answered = (): void => {
      if (--open > 0) return
      this.#rounds--
      this.#advance()
    }
    for (const route of used) {
      const sent = this.#send(source, route, batches.get(route)!, answered)
      route.count = 0
      route.bytes = 0
      if (sent) open++
    }
    if (open > 0) this.#rounds++
  }

  /** False where the call is refused before anything of it was sent. */
  #check({ call }: Piece, router: Router): boolean {
    if (call.checked) return true
    call.checked = true
    const error = checkRecords(this.#topic, call.records, router.layout.settings.maxRecordBytes)
    if (error !== undefined) call.reject(error)
    return error === undefined
  }

  /** Puts the piece's records to their batches; false when one is full before all of them are. */
  #route(
    piece: Piece,
    router: Router,
    keyless: Route,
    records: EncodedRecord[] | undefined,
    used: Route[],
    batches: Map<Route, Batch>,
  ): boolean {
    const { call, indexes } = piece
    const { partOf } = call
    const total = indexes === undefined ? call.records.length : indexes.length
    for (const route of used) route.part = -1
    for (; piece.next < total; piece.next++) {
      const i = indexes === undefined ? piece.next : indexes[piece.next]!
      const record = call.records[i]!
      const { key } = record
      const route =
        record.partition !== undefined
          ? router.find(record.partition)
          : key === null
            ? keyless
            : router.locate(murmur2(key))
      if (route === undefined) {
        this.#refuse(call, i, record.partition!, router)
        continue
      }
      const size = recordBytes(record) + RECORD_OVERHEAD_BYTES
      if (route.count === 0) {
        used.push(route)
        batches.set(route, { number: this.#batches++, partition: route.id, parts: [] })
        route.part = -1
      } else if (route.bytes + size > MAX_BATCH_BYTES) return false
      if (route.part < 0) {
        route.part = call.addPart(route.id, route.count)
        batches.get(route)!.parts.push({ call, part: route.part })
      }
      if (route.count === route.indexes.length) grow(route)
      route.indexes[route.count++] = records === undefined ? i : records.push(record) - 1
      route.bytes += size
      partOf[i] = route.part
      call.parts[route.part]!.count++
    }
    return true
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

  /** A partition that the caller named and that takes no records. */
  #refuse(call: SendCall, i: number, partition: string, router: Router): void {
    const ended = router.layout.partitions.some(({ id }) => id === partition)
    const part = call.addPart(partition, 0)
    call.partOf[i] = part
    call.parts[part]!.count = 1
    const message = ended
      ? `partition ${partition} of '${this.#topic}' has ended: send to one of its children, or let the key decide`
      : `topic '${this.#topic}' has no partition '${partition}': describe it for those it has, or let the key decide`
    const options = { topic: this.#topic, partition }
    call.fail(part, new StreamError(ended ? 'INVALID_ARGUMENT' : 'NOT_FOUND', message, options))
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

function grow(route: Route): void {
  const larger = new Int32Array(route.indexes.length * 4)
  larger.set(route.indexes)
  route.indexes = larger
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
