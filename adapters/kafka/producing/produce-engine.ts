import { type EncodedRecord, type SendOptions, StreamError } from '../../../src/driver.ts'
import type { CompressionName } from '../../../src/formats/compression.ts'
import { readTopicSettings } from '../admin/topic-settings.ts'
import { classify } from '../classify.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { type ProducedPartition, produce } from '../wire/protocol/produce.ts'
import { retrying } from '../wire/retry.ts'
import type { KafkaWire } from '../wire/wire.ts'
import { BrokerQueue } from './broker-queue.ts'
import type { IdentitySource } from './identity.ts'
import type { Batch, LaneSettings, PartitionLane, Setback } from './partition-lane.ts'
import type { Partitioner } from './partitioner.ts'
import { SendCall } from './send-call.ts'
import { TopicRouter } from './topic-router.ts'

export interface EngineSettings {
  readonly acks: -1 | 1
  /** For topics that leave it to the producer. */
  readonly compression: CompressionName
  readonly partitioner: Partitioner
  /** A record that could not be written for so long is given up. Milliseconds. */
  readonly deliveryTimeoutMs: number
}

interface Topic {
  router: TopicRouter | undefined
  /** Calls that came while the topic was looked for. */
  waiting: SendCall[]
  loading: boolean
}

interface Sent {
  readonly lane: PartitionLane
  readonly batch: Batch
}

const MAX_BATCH_BYTES = 1024 * 1024
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const BROKER_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 20_000
const MAX_PAUSE_MS = 1_000
/** So long what is little waits for more, while requests to its broker are on their way. */
const LINGER_MS = 5
/** So many looks for a topic that the cluster does not know (any more). */
const MISSING_ATTEMPTS = 6
const LOAD_DEADLINE_MS = 30_000
/** Older layouts are asked for anew beside sending: partitions may have been added. */
const LAYOUT_MAX_AGE_MS = 30_000

/**
 * Answers after which the batch is not in the log by that attempt. A leader that moved, and replicas that did not follow, are none of
 * them: the batch may have been appended before.
 */
const NOT_THERE: ReadonlySet<number> = new Set([
  KafkaError.CORRUPT_MESSAGE,
  KafkaError.MESSAGE_TOO_LARGE,
  KafkaError.NOT_ENOUGH_REPLICAS,
  KafkaError.TOPIC_AUTHORIZATION_FAILED,
  KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
  KafkaError.INVALID_PRODUCER_EPOCH,
  KafkaError.UNKNOWN_PRODUCER_ID,
  KafkaError.INVALID_RECORD,
])

let engines = 0

/**
 * Routes records to partitions and gets each partition's to its leader in order, whatever happens: brokers lost, leaders
 * moved, answers that do not come. What is to be sent to one broker travels together: at once where nothing is on its way there, else
 * with the next answer, after a moment or when it is much.
 */
export class ProduceEngine {
  readonly #wire: KafkaWire
  readonly #settings: EngineSettings
  readonly #identities: IdentitySource
  /** A connection of its own: who waits for replicas holds up nobody else. */
  readonly #connection = `produce/${++engines}`
  readonly #topics = new Map<string, Topic>()
  readonly #calls = new Set<SendCall>()
  readonly #ready = new Set<PartitionLane>()
  readonly #queues = new Map<number, BrokerQueue>()
  /** Those to be looked at in this turn. */
  readonly #changed = new Set<BrokerQueue>()
  #scheduled = false
  #preparing: Promise<void> = Promise.resolve()
  #closed: StreamError | undefined

  constructor(wire: KafkaWire, identities: IdentitySource, settings: EngineSettings) {
    this.#wire = wire
    this.#settings = settings
    this.#identities = identities
  }

  send(topic: string, records: readonly EncodedRecord[], onWritten?: SendOptions['onWritten']): SendCall {
    const call = new SendCall(topic, records, this.#settled, onWritten)
    if (this.#closed !== undefined) {
      call.reject(this.#closed)
      return call
    }
    this.#calls.add(call)
    if (records.length === 0) {
      call.settleEmpty()
      return call
    }
    let state = this.#topics.get(topic)
    if (state === undefined) {
      state = { router: undefined, waiting: [], loading: false }
      this.#topics.set(topic, state)
    }
    if (state.waiting.length > 0 || !this.#route(state, call)) {
      state.waiting.push(call)
      if (!state.loading) void this.#load(topic, state)
    }
    return call
  }

  /** Resolves when every earlier call has settled. */
  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#calls, (call) => new Promise<void>((done) => call.whenSettled(done))))
  }

  /** What has not been answered fails with `error`, and so do later calls. */
  close(error: StreamError): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    this.#wire.closeLane(this.#connection)
    for (const { router, waiting } of this.#topics.values()) {
      for (const lane of router?.lanes ?? []) lane.fail(error, 'all')
      for (const call of waiting) call.reject(error)
    }
    this.#ready.clear()
    for (const queue of this.#queues.values()) queue.clear()
  }

  readonly #settled = (call: SendCall): void => {
    this.#calls.delete(call)
  }

  /** False where the topic must be looked for first. */
  #route(state: Topic, call: SendCall): boolean {
    const { router } = state
    if (router === undefined) return false
    const known = this.#wire.knownTopic(call.topic)
    if (known !== undefined && known !== router.layout) {
      if (known.id !== router.layout.id || known.partitions.length !== router.layout.partitions.length) {
        return false
      }
    }
    if (performance.now() - (known ?? router.layout).asOf > LAYOUT_MAX_AGE_MS) {
      // What was added is noticed at a later call.
      this.#wire.topic(call.topic, { maxAgeMs: LAYOUT_MAX_AGE_MS }).catch(() => {})
    }
    if (!router.knows(call) && router.layout.asOf < call.begun) return false
    const error = router.check(call)
    if (error !== undefined) call.reject(error)
    else router.route(call, this.#touched)
    return true
  }

  /** The lane may have something to send. */
  readonly #touched = (lane: PartitionLane): void => {
    if (this.#closed !== undefined || lane.isEmpty) return
    this.#ready.add(lane)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#dispatch)
  }

  async #load(topic: string, state: Topic): Promise<void> {
    state.loading = true
    try {
      while (state.waiting.length > 0) {
        await this.#look(topic, state)
        // Calls that name a partition that is not there are refused by the router now.
        while (state.waiting.length > 0 && this.#route(state, state.waiting[0]!)) state.waiting.shift()
      }
    } catch (cause) {
      const error = classify(cause)
      for (const call of state.waiting.splice(0)) call.reject(error)
    } finally {
      state.loading = false
    }
  }

  async #look(topic: string, state: Topic): Promise<void> {
    const options = {
      deadline: performance.now() + Math.min(LOAD_DEADLINE_MS, this.#settings.deliveryTimeoutMs),
      again: (error: StreamError) => this.#closed === undefined && error.retryable,
    }
    const [layout, settings] = await retrying(
      () => Promise.all([this.#wire.topic(topic, { maxAgeMs: 0 }), readTopicSettings(this.#wire, topic)]),
      options,
    )
    const { compression, maxMessageBytes } = settings
    const laneSettings: LaneSettings = {
      maxBatchBytes: Math.min(MAX_BATCH_BYTES, maxMessageBytes),
      compression: compression ?? this.#settings.compression,
      deliveryTimeoutMs: this.#settings.deliveryTimeoutMs,
      transactional: this.#identities.transactionalId !== null,
    }
    const before = state.router
    state.router = new TopicRouter(layout, settings, laneSettings, this.#settings.partitioner, before)
    if (before === undefined || before.layout.id === layout.id) return
    // The topic was deleted and created anew: what was meant for the former one is not for this one.
    const gone = errorOf(KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `sending to '${topic}'`, { topic })
    for (const lane of before.lanes) {
      this.#ready.delete(lane)
      lane.fail(gone, 'all')
    }
  }

  /** Brings lanes that have something to send to their brokers' queues, and sends what is due. */
  readonly #dispatch = (): void => {
    this.#scheduled = false
    const ready = [...this.#ready]
    this.#ready.clear()
    for (const lane of ready) {
      const leader = this.#leaderFor(lane)
      if (leader === undefined) continue
      const queue = this.#queueOf(leader)
      queue.add(lane)
      this.#changed.add(queue)
    }
    const changed = [...this.#changed]
    this.#changed.clear()
    for (const queue of changed) {
      if (queue.isDue) this.#flush(queue)
      else if (!queue.isEmpty) queue.linger ??= setTimeout(this.#flush, LINGER_MS, queue)
    }
  }

  /** Where the lane can send now; undefined: it cannot, and comes again when it can. */
  #leaderFor(lane: PartitionLane): number | undefined {
    if (!lane.isSendable) return undefined
    const leader = this.#wire.knownTopic(lane.topic)?.partitions[lane.partition]?.leader ?? -1
    if (leader >= 0 && lane.identity !== undefined) return leader
    void this.#makeReady(lane)
    return undefined
  }

  #queueOf(node: number): BrokerQueue {
    let queue = this.#queues.get(node)
    if (queue === undefined) this.#queues.set(node, (queue = new BrokerQueue(node)))
    return queue
  }

  /** Sends a batch of each lane in one request, or in several where they are large. */
  readonly #flush = (queue: BrokerQueue): void => {
    let bytes = 0
    let request: Sent[] = []
    for (const lane of queue.take()) {
      const leader = this.#leaderFor(lane)
      if (leader === queue.node) {
        const batch = lane.next(this.#topics.get(lane.topic)!.router!.laneSettings)
        if (batch === undefined) continue
        const size = batch.bytes.length
        if (bytes + size > MAX_REQUEST_BYTES && request.length > 0) {
          void this.#send(queue, request)
          request = []
          bytes = 0
        }
        request.push({ lane, batch })
        bytes += size
      }
      // It moved meanwhile, or there may be another one, for a request of its own.
      if (leader !== undefined) this.#touched(lane)
    }
    if (request.length > 0) void this.#send(queue, request)
  }

  /** Finds what a lane lacks: its identity, its leader. */
  async #makeReady(lane: PartitionLane): Promise<void> {
    // Not while others are on their way: the first is then the one that is known to be undecided.
    if (!lane.isIdle) return
    lane.isPreparing = true
    try {
      const { topic, partition } = lane
      const [identity] = await Promise.all([
        lane.identity ?? this.#identities.obtain(),
        this.#wire.nodeOf({ kind: 'leader', topic, partition }),
      ])
      lane.identity ??= identity
      lane.isPreparing = false
      this.#touched(lane)
    } catch (cause) {
      lane.isPreparing = false
      this.#retry(lane, classify(cause))
    }
  }

  async #send(queue: BrokerQueue, sent: readonly Sent[]): Promise<void> {
    const { acks } = this.#settings
    const { transactionalId } = this.#identities
    queue.onTheirWay++
    try {
      if (this.#identities.prepare !== undefined) await this.#prepared(sent)
      const partitions = sent.map(({ lane: { topic, partition }, batch }) => ({
        topic,
        partition,
        batch: batch.bytes,
      }))
      const answer = await this.#wire.request(
        { kind: 'node', node: queue.node },
        produce,
        { transactionalId, acks, timeoutMs: BROKER_TIMEOUT_MS, partitions },
        { lane: this.#connection, timeoutMs: REQUEST_TIMEOUT_MS },
      )
      const results = new Map(answer.map((result) => [`${result.partition}/${result.topic}`, result]))
      const partly = new Set<SendCall>()
      for (const { lane, batch } of sent) {
        const result = results.get(`${lane.partition}/${lane.topic}`)
        if (!lane.awaits(batch)) continue
        for (const { call } of batch.pieces) if (call.isWatched) partly.add(call)
        if (result !== undefined) this.#answered(lane, batch, result)
        else {
          const what = `the broker said nothing of partition ${lane.partition} of '${lane.topic}'`
          const error = new StreamError('UNAVAILABLE', `${what}: try again`)
          this.#metSetback(lane, batch, { kind: 'again', error }, true)
        }
      }
      for (const call of partly) call.tellWritten()
    } catch (cause) {
      const error = classify(cause)
      for (const { lane, batch } of sent) {
        if (lane.awaits(batch)) this.#metSetback(lane, batch, { kind: 'again', error }, true)
      }
    } finally {
      queue.onTheirWay--
      this.#changed.add(queue)
      this.#schedule()
    }
  }

  /** One request after another: what is sent later must not be ready sooner. */
  #prepared(sent: readonly Sent[]): Promise<void> {
    const prepared = this.#preparing.then(() => this.#identities.prepare!(sent.map(({ lane }) => lane)))
    this.#preparing = prepared.catch(() => {})
    return prepared
  }

  #answered(lane: PartitionLane, batch: Batch, answer: ProducedPartition): void {
    const { errorCode, errorMessage, baseOffset } = answer
    if (errorCode === KafkaError.NONE || errorCode === KafkaError.DUPLICATE_SEQUENCE_NUMBER) {
      lane.written(batch, errorCode === KafkaError.NONE ? baseOffset : -1)
      return this.#goOn(lane)
    }
    const { topic, partition } = lane
    const doing = `sending to partition ${partition} of '${topic}'`
    const error = errorOf(errorCode, doing, { topic, partition, detail: errorMessage })
    if (isStale(errorCode)) this.#wire.invalidate({ kind: 'leader', topic, partition })
    const kind = this.#kindOf(errorCode, batch)
    this.#metSetback(lane, batch, { kind, error }, !NOT_THERE.has(errorCode))
  }

  #kindOf(errorCode: number, { wasFirst }: Batch): Setback['kind'] {
    switch (errorCode) {
      case KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case KafkaError.UNKNOWN_PRODUCER_ID:
      case KafkaError.INVALID_PRODUCER_EPOCH:
        if (!wasFirst) return 'behind'
        break
      case KafkaError.MESSAGE_TOO_LARGE:
      case KafkaError.INVALID_RECORD:
        return 'refused'
      default:
        return 'again'
    }
    // Everything before had been acknowledged, so the broker has forgotten this producer (its records expired, or an unclean election
    // lost them). The batch itself would have been recognised: it is not there. A transaction cannot begin anew in its middle.
    return this.#identities.transactionalId === null ? 'forgotten' : 'refused'
  }

  #metSetback(lane: PartitionLane, batch: Batch, setback: Setback, inDoubt: boolean): void {
    lane.metSetback(batch, setback, inDoubt)
    this.#goOn(lane)
  }

  /** After an answer: sends what is next, or decides how to get over a setback. */
  #goOn(lane: PartitionLane): void {
    if (!lane.isStuck) return this.#touched(lane)
    const { first } = lane
    if (first?.setback === undefined) {
      lane.again()
      return this.#touched(lane)
    }
    const { kind, error } = first.setback
    switch (kind) {
      case 'again':
        return this.#retry(lane, error)
      case 'behind':
        lane.again()
        return this.#touched(lane)
      case 'forgotten': {
        const isLate = performance.now() > first.deadline
        lane.restart(this.#identities.renew(lane.identity!, error))
        if (isLate) this.#failLate(lane, error)
        return this.#pause(lane)
      }
      case 'refused':
        // One record refuses the whole batch; those of other calls have nothing to do with it.
        if (first.pieces.length === 1 || this.#identities.transactionalId !== null) {
          return this.#giveUp(lane, error)
        }
        lane.takeApart(this.#identities.renew(lane.identity!, error))
        return this.#touched(lane)
    }
  }

  /** The same bytes go again after a pause, or are given up: for good reasons, or as it took too long. */
  #retry(lane: PartitionLane, error: StreamError): void {
    if (this.#closed !== undefined) return
    // A topic that was just created, or whose broker was just replaced, may be unknown for a moment.
    const missing = error.code === 'NOT_FOUND' && lane.attempts < MISSING_ATTEMPTS
    const late = lane.first !== undefined && performance.now() > lane.first.deadline
    if ((!error.retryable && !missing) || late) return this.#giveUp(lane, error)
    if (lane.first === undefined) this.#failLate(lane, error)
    lane.again()
    this.#pause(lane)
  }

  #pause(lane: PartitionLane): void {
    const attempts = ++lane.attempts
    const pauseMs = Math.min(MAX_PAUSE_MS, 10 * 2 ** attempts) * (0.8 + 0.4 * Math.random())
    clearTimeout(lane.pause)
    lane.pause = setTimeout(() => {
      lane.pause = undefined
      this.#touched(lane)
    }, pauseMs)
  }

  #giveUp(lane: PartitionLane, error: StreamError): void {
    const { first } = lane
    if (first === undefined) {
      // Not even begun: without a leader or an identity nothing of the lane can be sent.
      lane.fail(error, 'waiting')
      return this.#touched(lane)
    }
    const isLate = performance.now() > first.deadline
    lane.attempts = 0
    lane.giveUp(error, lane.identity && this.#identities.renew(lane.identity, error))
    if (isLate) this.#failLate(lane, error)
    else if (error.code === 'NOT_FOUND') lane.fail(error, 'waiting')
    this.#touched(lane)
  }

  /** What waits may be too old by now, too. */
  #failLate(lane: PartitionLane, error: StreamError): void {
    lane.fail(error, { begunBefore: performance.now() - this.#settings.deliveryTimeoutMs })
  }
}
