import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaError } from '../../../../adapters/kafka/wire/error-codes.ts'
import type { ProducedPartition, ProduceRequest } from '../../../../adapters/kafka/wire/protocol/produce.ts'
import type { Api, BrokerRef, KafkaWire, TopicLayout } from '../../../../adapters/kafka/wire/wire.ts'
import { StreamError } from '../../../../src/driver.ts'
import * as batches from '../../../../src/formats/record-batch/index.ts'

/** What happens to a request, or to one partition of it. */
export type Fault =
  | 'none'
  /** Does not arrive. */
  | 'lost'
  /** Is carried out, and the answer does not come. */
  | 'unanswered'
  /** The client gives up; it is carried out a little later, behind others. */
  | 'late'
  /** Is carried out twice; the second answer counts. */
  | 'doubled'
  /** Is carried out at once, and answered after others. */
  | 'answered-late'
  | 'not-leader'
  | 'left-out'
  | 'not-enough-replicas'
  | 'not-enough-replicas-after-append'

interface Written {
  readonly key: string | null
  readonly value: string
}

interface ProducerState {
  epoch: number
  next: number
  recent: { sequence: number; offset: number }[]
}

interface Partition {
  readonly log: Written[]
  readonly producers: Map<number, ProducerState>
  leader: number
  leaderEpoch: number
}

/**
 * Brokers in memory, as far as producing goes: sequences, epochs and duplicates as Kafka's ProducerStateManager judges them. What it
 * leaves out: replicas, retention, quotas, transactions.
 */
export class FakeCluster implements KafkaWire {
  readonly partitions: Partition[]
  readonly topicName: string
  /** Batches that were judged a duplicate. */
  duplicates = 0
  maxMessageBytes = 1_048_588
  /** Asked for each request and each partition of it. */
  fault: (scope: 'request' | 'partition') => Fault = () => 'none'
  /** What brokers say when they are asked for a producer id. */
  producerIdError: number = KafkaError.NONE
  /** Refuses a partition's batch, by its records. */
  refuse: (records: readonly Written[]) => number = () => KafkaError.NONE
  /** Whether requests to a node are carried out in their order, as those of one connection are. */
  inOrder = false
  /** Before the cluster says where partitions are. */
  lookUp: () => Promise<void> = () => sleep(0)
  /** Kafka since 2.5 takes any sequence from a producer that it does not know; before, only 0. */
  takesAnySequence = false
  /** The most batches of one partition that were on their way at once. */
  mostInFlight = 0
  readonly #inFlight = new Map<number, number>()
  readonly #turns = new Map<number, Promise<unknown>>()
  #layout: TopicLayout | undefined
  #producerIds = 100

  constructor(topicName: string, partitions: number) {
    this.topicName = topicName
    this.partitions = Array.from({ length: partitions }, () => ({
      log: [],
      producers: new Map(),
      leader: 1,
      leaderEpoch: 0,
    }))
  }

  async request<Request, Response>(
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
  ): Promise<Response> {
    if (api.name !== 'Produce' || !this.inOrder) await sleep(Math.random() < 0.5 ? 0 : 1)
    switch (api.name) {
      case 'InitProducerId':
        return {
          errorCode: this.producerIdError,
          producerId: this.#producerIds++,
          producerEpoch: 0,
        } as Response
      case 'DescribeConfigs': {
        const entries = [{ name: 'max.message.bytes', value: String(this.maxMessageBytes), own: true }]
        return [{ errorCode: 0, errorMessage: null, topic: this.topicName, entries }] as Response
      }
      case 'Produce': {
        const node = to.kind === 'node' ? to.node : -1
        const { partitions } = request as ProduceRequest
        for (const { partition } of partitions) this.#count(partition, 1)
        try {
          if (this.inOrder) await this.#turn(node)
          return (await this.#produce(node, request as ProduceRequest)) as Response
        } finally {
          for (const { partition } of partitions) this.#count(partition, -1)
        }
      }
      default:
        throw new StreamError('UNSUPPORTED', `the fake does not know ${api.name}`)
    }
  }

  async nodeOf(to: BrokerRef): Promise<number> {
    if (to.kind !== 'leader') return 1
    const { leader } = (await this.topic(to.topic)).partitions[to.partition]!
    if (leader < 0) throw new StreamError('UNAVAILABLE', 'the partition has no leader: try again')
    return leader
  }

  async topic(name: string): Promise<TopicLayout> {
    await this.lookUp()
    if (name !== this.topicName) throw new StreamError('NOT_FOUND', `no topic ${name}: create it`)
    this.#layout = {
      name,
      id: 'a'.repeat(32),
      internal: false,
      asOf: performance.now(),
      partitions: this.partitions.map(({ leader, leaderEpoch }, id) => ({
        id,
        leader,
        leaderEpoch,
        replicas: [1, 2, 3],
        inSync: [1, 2, 3],
      })),
    }
    return this.#layout
  }

  knownTopic(): TopicLayout | undefined {
    return this.#layout
  }

  invalidate(to: BrokerRef): void {
    if (this.#layout === undefined || to.kind !== 'leader') return
    const partitions = this.#layout.partitions.map((each) =>
      each.id === to.partition ? { ...each, leader: -1 } : each,
    )
    this.#layout = { ...this.#layout, partitions, asOf: Number.NEGATIVE_INFINITY }
  }

  topics = async () => []
  brokers = () => []
  closeLane(): void {}
  async close(): Promise<void> {}

  /** Forgets the producers of a partition, as when their records have expired. */
  forgetProducers(partition: number): void {
    this.partitions[partition]!.producers.clear()
  }

  async #produce(node: number, request: ProduceRequest): Promise<readonly ProducedPartition[]> {
    const fault = this.fault('request')
    const lost = new StreamError('UNAVAILABLE', 'the connection was lost: try again')
    if (fault === 'lost') {
      this.#layout = undefined
      throw lost
    }
    if (fault === 'late') {
      void sleep(Math.random() * 40).then(() => this.#carryOut(node, request))
      throw lost
    }
    const first = this.#carryOut(node, request)
    if (fault === 'unanswered') throw lost
    const answer = fault === 'doubled' ? this.#carryOut(node, request) : first
    await sleep(fault === 'answered-late' ? 1 + Math.random() * 5 : 0)
    return answer
  }

  async #turn(node: number): Promise<void> {
    const turn = (this.#turns.get(node) ?? Promise.resolve()).then(() => sleep(Math.random() < 0.5 ? 0 : 1))
    this.#turns.set(node, turn)
    await turn
  }

  #count(partition: number, by: number): void {
    const count = (this.#inFlight.get(partition) ?? 0) + by
    this.#inFlight.set(partition, count)
    this.mostInFlight = Math.max(this.mostInFlight, count)
  }

  #carryOut(node: number, { partitions }: ProduceRequest): ProducedPartition[] {
    return partitions.flatMap(({ topic, partition, batch }): ProducedPartition[] => {
      const state = this.partitions[partition]!
      const fault = this.fault('partition')
      if (fault === 'not-leader') {
        state.leader = 1 + (state.leader % 3)
        state.leaderEpoch++
      }
      const answer = { topic, partition, errorMessage: null, appendTime: -1, logStart: 0 }
      if (state.leader !== node) {
        return [{ ...answer, errorCode: KafkaError.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }]
      }
      if (fault === 'not-enough-replicas') return [{ ...answer, errorCode: 19, baseOffset: -1 }]
      const result = this.#append(state, batch)
      if (fault === 'left-out') return []
      if (fault === 'not-enough-replicas-after-append') return [{ ...answer, errorCode: 20, baseOffset: -1 }]
      return [{ ...answer, ...result }]
    })
  }

  #append(state: Partition, batch: Buffer): { errorCode: number; baseOffset: number } {
    const refused = (errorCode: number) => ({ errorCode, baseOffset: -1 })
    const view = new batches.RecordBatchView(batch, 0, batch.length)
    const records = Array.from({ length: view.count }, (_, i) => ({
      key: view.key(i) === null ? null : Buffer.from(view.key(i)!).toString(),
      value: Buffer.from(view.value(i) ?? '').toString(),
    }))
    if (batch.length > this.maxMessageBytes) return refused(KafkaError.MESSAGE_TOO_LARGE)
    const code = this.refuse(records)
    if (code !== KafkaError.NONE) return refused(code)
    const id = batches.producerId(batch, 0)
    const epoch = batches.producerEpoch(batch, 0)
    const sequence = batches.baseSequence(batch, 0)
    const offset = state.log.length
    if (id >= 0) {
      const known = state.producers.get(id)
      if (known !== undefined && epoch < known.epoch) return refused(KafkaError.INVALID_PRODUCER_EPOCH)
      if (known !== undefined && epoch === known.epoch) {
        const duplicate = known.recent.find((recent) => recent.sequence === sequence)
        if (duplicate !== undefined) {
          this.duplicates++
          return { errorCode: KafkaError.NONE, baseOffset: duplicate.offset }
        }
        if (sequence !== known.next) return refused(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      } else if (known !== undefined && sequence !== 0) {
        return refused(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      } else if (known === undefined && sequence !== 0 && !this.takesAnySequence) {
        return refused(KafkaError.UNKNOWN_PRODUCER_ID)
      }
      const recent = known?.epoch === epoch ? known.recent : []
      state.producers.set(id, {
        epoch,
        next: sequence + records.length,
        recent: [...recent, { sequence, offset }].slice(-5),
      })
    }
    state.log.push(...records)
    return { errorCode: KafkaError.NONE, baseOffset: offset }
  }
}
