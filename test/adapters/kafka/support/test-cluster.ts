import type { GroupProtocol, KafkaCluster } from '../../../../adapters/kafka/parts.ts'
import { errorOf } from '../../../../adapters/kafka/wire/error-codes.ts'
import { addPartitionsToTxn } from '../../../../adapters/kafka/wire/protocol/add-partitions-to-txn.ts'
import { createPartitions } from '../../../../adapters/kafka/wire/protocol/create-partitions.ts'
import { createTopics } from '../../../../adapters/kafka/wire/protocol/create-topics.ts'
import { deleteRecords } from '../../../../adapters/kafka/wire/protocol/delete-records.ts'
import { endTxn } from '../../../../adapters/kafka/wire/protocol/end-txn.ts'
import { initProducerId } from '../../../../adapters/kafka/wire/protocol/init-producer-id.ts'
import { produce } from '../../../../adapters/kafka/wire/protocol/produce.ts'
import { retrying } from '../../../../adapters/kafka/wire/retry.ts'
import type { EncodedRecord } from '../../../../src/driver.ts'
import { encodeBatch } from '../../../../src/formats/record-batch/index.ts'
import { openTestWire } from '../../../support/kafka/kafka-driver.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** A cluster as the adapter's parts see it, and what a test does to it with bare requests. */
export class TestCluster implements KafkaCluster {
  readonly rack: string | undefined
  readonly logger = quiet
  readonly wire: KafkaCluster['wire']
  readonly groupProtocol: GroupProtocol

  constructor(wire: KafkaCluster['wire'], rack?: string, groupProtocol: GroupProtocol = 'classic') {
    this.wire = wire
    this.rack = rack
    this.groupProtocol = groupProtocol
  }

  /** Default: the run's shared broker. */
  static async open(addresses?: string, rack?: string, groupProtocol?: GroupProtocol): Promise<TestCluster> {
    return new TestCluster(await openTestWire(addresses ?? (await sharedBroker())), rack, groupProtocol)
  }

  async topic(partitions = 1, settings: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = uniqueName('topic')
    const topics = [{ name, partitions, replicationFactor: -1, settings: Object.entries(settings) }]
    const [result] = await this.wire.request({ kind: 'controller' }, createTopics, {
      topics,
      timeoutMs: 10_000,
    })
    if (result!.errorCode !== 0) throw errorOf(result!.errorCode, `creating ${name}`)
    await this.until(() => this.wire.topic(name, { maxAgeMs: 0 }))
    return name
  }

  async addPartitions(name: string, total: number): Promise<void> {
    const [result] = await this.wire.request({ kind: 'controller' }, createPartitions, {
      topics: [{ name, total }],
      timeoutMs: 10_000,
    })
    if (result!.errorCode !== 0) throw errorOf(result!.errorCode, `adding partitions to ${name}`)
    await this.until(async () => {
      const { partitions } = await this.wire.topic(name, { maxAgeMs: 0 })
      if (partitions.length !== total) throw errorOf(5, 'looking')
    })
  }

  /** Writes one batch; gives the offset of its first record. */
  async write(
    topic: string,
    partition: number,
    values: readonly (string | Buffer | Entry)[],
  ): Promise<number> {
    return this.#append(topic, partition, batchOf(values))
  }

  /** Drops what lies before the offset, as retention would. */
  async dropBefore(topic: string, partition: number, before: number): Promise<void> {
    const leader = { kind: 'leader', topic, partition } as const
    const [result] = await this.wire.request(leader, deleteRecords, {
      timeoutMs: 10_000,
      partitions: [{ topic, partition, before }],
    })
    if (result!.errorCode !== 0) throw errorOf(result!.errorCode, 'deleting records')
  }

  /** A transactional producer of bare requests: what several do at once is up to the test. */
  async transactions(): Promise<Transactions> {
    const transactionalId = uniqueName('tx')
    return this.until(async () => {
      const to = { kind: 'transaction', transactionalId } as const
      const answer = await this.wire.request(to, initProducerId, {
        transactionalId,
        transactionTimeoutMs: 60_000,
        producerId: -1,
        producerEpoch: -1,
      })
      if (answer.errorCode !== 0) throw errorOf(answer.errorCode, 'initialising')
      const { producerId, producerEpoch } = answer
      return new Transactions(this, { transactionalId, producerId, producerEpoch })
    })
  }

  async #append(topic: string, partition: number, batch: Buffer, transactionalId?: string): Promise<number> {
    return this.until(async () => {
      const leader = { kind: 'leader', topic, partition } as const
      const [result] = await this.wire.request(leader, produce, {
        transactionalId: transactionalId ?? null,
        acks: -1,
        timeoutMs: 10_000,
        partitions: [{ topic, partition, batch }],
      })
      if (result!.errorCode !== 0) throw errorOf(result!.errorCode, 'writing')
      return result!.baseOffset
    })
  }

  append(topic: string, partition: number, batch: Buffer, transactionalId: string): Promise<number> {
    return this.#append(topic, partition, batch, transactionalId)
  }

  /** Tries again while topics and coordinators are being made. */
  until<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, {
      deadline: performance.now() + 15_000,
      again: (error) => error.retryable || error.code === 'NOT_FOUND',
    })
  }

  close(): Promise<void> {
    return this.wire.close()
  }
}

export interface Entry {
  readonly key?: string | null
  readonly value: string | null
  readonly timestamp?: number
}

interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export class Transactions {
  readonly #cluster: TestCluster
  readonly #identity: Identity
  readonly #sequences = new Map<string, number>()

  constructor(cluster: TestCluster, identity: Identity) {
    this.#cluster = cluster
    this.#identity = identity
  }

  async write(topic: string, partition: number, values: readonly string[]): Promise<number> {
    const { wire } = this.#cluster
    const { transactionalId, producerId, producerEpoch } = this.#identity
    await this.#cluster.until(async () => {
      const [result] = await wire.request({ kind: 'transaction', transactionalId }, addPartitionsToTxn, {
        ...this.#identity,
        partitions: [{ topic, partition }],
      })
      if (result!.errorCode !== 0) throw errorOf(result!.errorCode, 'adding')
    })
    const key = `${topic}/${partition}`
    const baseSequence = this.#sequences.get(key) ?? 0
    this.#sequences.set(key, baseSequence + values.length)
    const batch = batchOf(values, { producerId, producerEpoch, baseSequence, transactional: true })
    return this.#cluster.append(topic, partition, batch, transactionalId)
  }

  commit(): Promise<void> {
    return this.#end(true)
  }

  abort(): Promise<void> {
    return this.#end(false)
  }

  async #end(commit: boolean): Promise<void> {
    const { transactionalId } = this.#identity
    await this.#cluster.until(async () => {
      const answer = await this.#cluster.wire.request({ kind: 'transaction', transactionalId }, endTxn, {
        ...this.#identity,
        commit,
      })
      if (answer.errorCode !== 0) throw errorOf(answer.errorCode, 'ending')
    })
  }
}

function batchOf(values: readonly (string | Buffer | Entry)[], options: object = {}): Buffer {
  const records = values.map((entry): EncodedRecord => {
    const plain = typeof entry === 'string' || Buffer.isBuffer(entry) ? { value: entry } : entry
    const { key = 'k', value, timestamp } = plain as Entry
    return {
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
      timestamp,
      partition: undefined,
    }
  })
  return encodeBatch(records, undefined, 0, records.length, { timestamp: Date.now(), ...options })
}
