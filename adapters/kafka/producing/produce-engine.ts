import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import type { CompressionName } from '../../../src/formats/compression.ts'
import { readTopicSettings } from '../admin/topic-settings.ts'
import { classify } from '../classify.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { type ProducedPartition, produce } from '../wire/protocol/produce.ts'
import { retrying } from '../wire/retry.ts'
import type { KafkaWire } from '../wire/wire.ts'
import type { IdentitySource } from './identity.ts'
import type { LaneSettings, PartitionLane } from './partition-lane.ts'
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

const MAX_BATCH_BYTES = 1024 * 1024
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const BROKER_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 20_000
const MAX_PAUSE_MS = 1_000
/** So many looks for a topic that the cluster does not know (any more). */
const MISSING_ATTEMPTS = 6
const LOAD_DEADLINE_MS = 30_000
/** Older layouts are asked for anew beside sending: partitions may have been added. */
const LAYOUT_MAX_AGE_MS = 30_000

let engines = 0

/**
 * Routes records to partitions and gets each partition's to its leader in order, whatever happens: brokers lost, leaders
 * moved, answers that do not come. What is to be sent in one turn of the event loop to one broker travels in one request.
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
  #scheduled = false
  #closed: StreamError | undefined

  constructor(wire: KafkaWire, identities: IdentitySource, settings: EngineSettings) {
    this.#wire = wire
    this.#settings = settings
    this.#identities = identities
  }

  send(topic: string, records: readonly EncodedRecord[]): SendCall {
    const call = new SendCall(topic, records, this.#settled)
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
      for (const lane of router?.lanes ?? []) {
        clearTimeout(lane.pause)
        lane.failQueued(error, 'all')
      }
      for (const call of waiting) call.reject(error)
    }
    this.#ready.clear()
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
    } else if (performance.now() - router.layout.asOf > LAYOUT_MAX_AGE_MS) {
      // What was added is noticed at a later call.
      this.#wire.topic(call.topic, { maxAgeMs: LAYOUT_MAX_AGE_MS }).catch(() => {})
    }
    if (!router.knows(call) && router.layout.asOf < call.begun) return false
    const error = router.check(call)
    if (error !== undefined) call.reject(error)
    else router.route(call, this.#touched)
    return true
  }

  readonly #touched = (lane: PartitionLane): void => {
    if (lane.busy) return
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
      clearTimeout(lane.pause)
      this.#ready.delete(lane)
      lane.failQueued(gone, 'all')
    }
  }

  /** Sends the batches of all lanes that have something and nothing on its way, one request a broker. */
  readonly #dispatch = (): void => {
    this.#scheduled = false
    const byNode = new Map<number, PartitionLane[]>()
    for (const lane of this.#ready) {
      this.#ready.delete(lane)
      if (lane.busy || lane.isEmpty) continue
      lane.busy = true
      const leader = this.#wire.knownTopic(lane.topic)?.partitions[lane.partition]?.leader ?? -1
      if (leader < 0 || lane.identity === undefined) {
        void this.#makeReady(lane)
        continue
      }
      const lanes = byNode.get(leader)
      if (lanes === undefined) byNode.set(leader, [lane])
      else lanes.push(lane)
    }
    for (const [node, lanes] of byNode) {
      let bytes = 0
      let request: PartitionLane[] = []
      for (const lane of lanes) {
        const size = this.#fill(lane)
        if (size < 0) continue
        if (bytes + size > MAX_REQUEST_BYTES && request.length > 0) {
          void this.#send(node, request)
          request = []
          bytes = 0
        }
        request.push(lane)
        bytes += size
      }
      if (request.length > 0) void this.#send(node, request)
    }
  }

  /** Bytes of the lane's batch; -1 where it could not be made and was given up. */
  #fill(lane: PartitionLane): number {
    const { laneSettings } = this.#topics.get(lane.topic)!.router!
    try {
      return lane.fill(laneSettings).bytes.length
    } catch (cause) {
      lane.failQueued(classify(cause), 'all')
      lane.busy = false
      return -1
    }
  }

  /** Finds what a lane lacks: its identity, its leader. */
  async #makeReady(lane: PartitionLane): Promise<void> {
    try {
      const { topic, partition } = lane
      const [identity] = await Promise.all([
        lane.identity ?? this.#identities.obtain(),
        this.#wire.nodeOf({ kind: 'leader', topic, partition }),
      ])
      lane.identity ??= identity
      this.#free(lane)
    } catch (cause) {
      this.#retry(lane, classify(cause))
    }
  }

  async #send(node: number, lanes: readonly PartitionLane[]): Promise<void> {
    const { acks } = this.#settings
    const { transactionalId } = this.#identities
    try {
      await this.#identities.prepare?.(lanes)
      const partitions = lanes.map((lane) => ({
        topic: lane.topic,
        partition: lane.partition,
        batch: lane.batch!.bytes,
      }))
      const answer = await this.#wire.request(
        { kind: 'node', node },
        produce,
        { transactionalId, acks, timeoutMs: BROKER_TIMEOUT_MS, partitions },
        { lane: this.#connection, timeoutMs: REQUEST_TIMEOUT_MS },
      )
      const results = new Map(answer.map((result) => [`${result.partition}/${result.topic}`, result]))
      for (const lane of lanes) {
        const result = results.get(`${lane.partition}/${lane.topic}`)
        if (lane.batch === undefined) continue
        if (result !== undefined) this.#answered(lane, result)
        else {
          const what = `the broker said nothing of partition ${lane.partition} of '${lane.topic}'`
          this.#retry(lane, new StreamError('UNAVAILABLE', `${what}: try again`))
        }
      }
    } catch (cause) {
      const error = classify(cause)
      for (const lane of lanes) if (lane.batch !== undefined) this.#retry(lane, error)
    }
  }

  #answered(lane: PartitionLane, { errorCode, errorMessage, baseOffset }: ProducedPartition): void {
    if (errorCode === KafkaError.NONE) {
      lane.written(baseOffset)
      return this.#free(lane)
    }
    const { topic, partition } = lane
    const doing = `sending to partition ${partition} of '${topic}'`
    const error = errorOf(errorCode, doing, { topic, partition, detail: errorMessage })
    switch (errorCode) {
      case KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case KafkaError.UNKNOWN_PRODUCER_ID:
      case KafkaError.INVALID_PRODUCER_EPOCH:
        // Everything before was acknowledged, so the broker has forgotten this producer (its records expired, or an
        // unclean election lost them). The batch itself would have been recognised: it is not there.
        if (this.#identities.transactionalId === null) return this.#restart(lane, error)
        return this.#giveUp(lane, error)
      case KafkaError.MESSAGE_TOO_LARGE:
      case 87: // INVALID_RECORD
        // One record refuses the whole batch; those of other calls have nothing to do with it.
        if (lane.batch!.pieces.length > 1 && this.#identities.transactionalId === null) {
          lane.takeApart()
          lane.restart(this.#identities.renew(lane.identity!, error))
          return this.#free(lane)
        }
        return this.#giveUp(lane, error)
    }
    if (isStale(errorCode)) this.#wire.invalidate({ kind: 'leader', topic, partition })
    this.#retry(lane, error)
  }

  /** The batch is not in the log: goes on with it under another identity. */
  #restart(lane: PartitionLane, error: StreamError): void {
    const { attempts, batch } = lane
    lane.restart(this.#identities.renew(lane.identity!, error))
    if (performance.now() > batch!.deadline) this.#failLate(lane, error)
    this.#pause(lane, attempts + 1)
  }

  /** The same bytes go again after a pause, or are given up: for good reasons, or as it took too long. */
  #retry(lane: PartitionLane, error: StreamError): void {
    if (this.#closed !== undefined) return
    const { attempts } = lane
    // A topic that was just created, or whose broker was just replaced, may be unknown for a moment.
    const missing = error.code === 'NOT_FOUND' && attempts < MISSING_ATTEMPTS
    const late = lane.batch !== undefined && performance.now() > lane.batch.deadline
    if ((!error.retryable && !missing) || late) return this.#giveUp(lane, error)
    if (lane.batch === undefined) this.#failLate(lane, error)
    this.#pause(lane, attempts + 1)
  }

  #pause(lane: PartitionLane, attempts: number): void {
    lane.attempts = attempts
    const pauseMs = Math.min(MAX_PAUSE_MS, 10 * 2 ** attempts) * (0.8 + 0.4 * Math.random())
    clearTimeout(lane.pause)
    lane.pause = setTimeout(() => {
      lane.pause = undefined
      this.#free(lane)
    }, pauseMs)
  }

  #giveUp(lane: PartitionLane, error: StreamError): void {
    if (lane.batch === undefined) {
      // Not even begun: without a leader or an identity nothing of the lane can be sent.
      lane.failQueued(error, 'waiting')
      return this.#free(lane)
    }
    const late = performance.now() > lane.batch.deadline
    lane.failed(error)
    lane.restart(lane.identity && this.#identities.renew(lane.identity, error))
    if (late) this.#failLate(lane, error)
    else if (error.code === 'NOT_FOUND') lane.failQueued(error, 'waiting')
    this.#free(lane)
  }

  /** What waits may be too old by now, too. */
  #failLate(lane: PartitionLane, error: StreamError): void {
    lane.failQueued(error, { begunBefore: performance.now() - this.#settings.deliveryTimeoutMs })
  }

  #free(lane: PartitionLane): void {
    lane.busy = false
    if (this.#closed !== undefined || lane.isEmpty) return
    this.#ready.add(lane)
    this.#schedule()
  }
}
