import { type Logger, StreamError, type TableRow, type TableWrite } from '../../../src/driver.ts'
import {
  baseSequence,
  HEADER_BYTES,
  isTransactional,
  producerEpoch,
  producerId,
} from '../../../src/formats/record-batch/index.ts'
import { classify } from '../classify.ts'
import type * as api from './broker-api.ts'
import type { CommonLogOptions } from './common-log-options.ts'
import { fetchFrom } from './fetch.ts'
import { Groups } from './groups/groups.ts'
import { Maintenance } from './maintenance.ts'
import { Metadata } from './metadata.ts'
import { isAlive } from './process-alive.ts'
import { ProducerIds } from './producer-ids.ts'
import type { StoreFactory } from './store-factory.ts'
import { Tables } from './tables.ts'
import type { Partition } from './topics/partition.ts'
import { Topics } from './topics/topics.ts'
import { Transactions } from './transactions/transactions.ts'

export interface BrokerOptions {
  readonly stores: StoreFactory
  /** What all partitions have in common, the metadata too. */
  readonly log: CommonLogOptions
  readonly logger: Logger
}

/** The broker of one log, in this process: the only one that touches its files. */
export class Broker implements api.BrokerApi {
  readonly #topics: Topics
  readonly #metadata: Metadata
  readonly #groups: Groups
  readonly #transactions: Transactions
  readonly #producerIds: ProducerIds
  readonly #tables: Tables
  readonly #maintenance: Maintenance
  #closed: Promise<void> | undefined

  private constructor(parts: {
    topics: Topics
    metadata: Metadata
    groups: Groups
    transactions: Transactions
    producerIds: ProducerIds
    tables: Tables
    logger: Logger
  }) {
    this.#topics = parts.topics
    this.#metadata = parts.metadata
    this.#groups = parts.groups
    this.#transactions = parts.transactions
    this.#producerIds = parts.producerIds
    this.#tables = parts.tables
    this.#maintenance = new Maintenance(parts.topics, parts.logger)
    parts.topics.listen({
      layoutChanged: (topic) => this.#groups.layoutChanged(topic),
      topicDeleted: (topic) => this.#groups.topicDeleted(topic),
    })
  }

  /** Opens, recovers, and finishes what the last holder left undone. */
  static async open(options: BrokerOptions): Promise<Broker> {
    const { metadata, stored } = await Metadata.open(options.stores, options.log)
    let topics: Topics | undefined
    try {
      topics = await Topics.open(options.stores, metadata, stored, options.log)
      const producerIds = new ProducerIds(metadata, stored)
      const groups = new Groups(metadata, topics, stored)
      const transactions = new Transactions(metadata, topics, groups, producerIds, stored)
      await transactions.recover()
      const broker = new Broker({
        topics,
        metadata,
        groups,
        transactions,
        producerIds,
        tables: new Tables(metadata, stored),
        logger: options.logger,
      })
      for (const owner of [...groups.owners(), ...transactions.owners()]) {
        if (!isAlive(owner)) broker.ownerGone(owner.id)
      }
      return broker
    } catch (error) {
      await Promise.allSettled([topics?.close(), metadata.close()])
      throw error
    }
  }

  /** A process has died, or was given up: its memberships and transactions are over. */
  ownerGone(owner: string): void {
    this.#groups.ownerGone(owner)
    this.#transactions.ownerGone(owner)
  }

  async createTopic(request: Parameters<api.BrokerApi['createTopic']>[0]): Promise<void> {
    await this.#topics.create(request.name, request.partitions, request.settings, request.token)
    this.#maintenance.schedule()
  }

  async listTopics(): Promise<{ topics: string[] }> {
    return { topics: this.#topics.all().map((topic) => topic.name) }
  }

  async describeTopic(request: { topic: string }): Promise<api.TopicInfo> {
    return this.#topics.get(request.topic).describe()
  }

  async layout(request: { topic: string }): Promise<api.Layout> {
    return this.#topics.get(request.topic).layout()
  }

  deleteTopic(request: { topic: string }): Promise<void> {
    return this.#topics.delete(request.topic)
  }

  addPartitions(request: { topic: string; total: number; token: string }): Promise<void> {
    return this.#topics.grow(request.topic, request.total, request.token)
  }

  async splitPartition(
    request: Parameters<api.BrokerApi['splitPartition']>[0],
  ): Promise<{ children: string[] }> {
    return { children: await this.#topics.split(request.topic, request.partition, request.token) }
  }

  async mergePartitions(
    request: Parameters<api.BrokerApi['mergePartitions']>[0],
  ): Promise<{ children: string[] }> {
    return { children: await this.#topics.merge(request.topic, request.partitions, request.token) }
  }

  async initProducer(request: api.InitProducerRequest): Promise<{ producerId: number; epoch: number }> {
    if (request.transactional !== undefined)
      return this.#transactions.init(request.transactional, request.owner)
    const producerId = this.#producerIds.next()
    await this.#metadata.durable()
    return { producerId, epoch: 0 }
  }

  // Not async: in this process nothing waits, and no promise is made for a batch.
  produce(request: api.ProduceRequest): api.ProduceResult | Promise<api.ProduceResult> {
    this.#checkOpen()
    const { bytes } = request
    const topic = this.#topics.get(request.topic)
    const partition = topic.partition(request.partition)
    if (topic.stored.id !== request.topicId || partition.ended) return STALE
    if (bytes.length < HEADER_BYTES)
      throw new StreamError('INTERNAL', 'a batch without a header: report this')
    const entered = isTransactional(bytes, 0)
      ? this.#transactions.enter(partition, producerId(bytes, 0), producerEpoch(bytes, 0))
      : undefined
    let baseOffset: number
    try {
      baseOffset = partition.log.append(bytes).baseOffset
    } catch (error) {
      if (isOutOfSequence(error, bytes)) return OUT_OF_SEQUENCE
      throw classify(error)
    }
    const durable = partition.log.durable()
    const result: api.ProduceResult = { status: 'ok', baseOffset }
    if (durable === undefined && entered === undefined) return result
    return Promise.all([durable, entered]).then(
      () => result,
      (error) => {
        throw classify(error)
      },
    )
  }

  async fetch(request: api.FetchRequest, signal?: AbortSignal): Promise<api.FetchResult> {
    this.#checkOpen()
    return fetchFrom(this.#partition(request), request, signal)
  }

  async offsets(request: {
    topic: string
    partition: string
    timestamp?: number
  }): Promise<api.PartitionOffsets> {
    const partition = this.#partition(request)
    const { log } = partition
    const found =
      request.timestamp === undefined ? undefined : await log.offsetForTimestamp(request.timestamp)
    return {
      start: log.startOffset,
      end: log.endOffset,
      stable: partition.stable,
      ended: partition.complete,
      found: found === undefined || found >= log.endOffset ? null : found,
    }
  }

  joinGroup(request: api.JoinGroupRequest): Promise<void> {
    return this.#groups.join(request)
  }

  async syncGroup(request: api.SyncGroupRequest, signal?: AbortSignal): Promise<api.SyncGroupResult> {
    this.#checkOpen()
    return this.#groups.sync(request, signal)
  }

  async releasePartitions(
    request: api.MemberRef & { partitions: readonly api.PartitionClaim[] },
  ): Promise<void> {
    this.#groups.release(request)
    await this.#metadata.durable()
  }

  checkpoint(
    request: api.MemberRef & { updates: readonly api.PlainCheckpoint[] },
  ): Promise<{ results: (api.Refusal | null)[] }> {
    return this.#groups.checkpoint(request)
  }

  async abandon(request: api.MemberRef & api.PartitionClaim): Promise<void> {
    this.#groups.abandon(request)
    await this.#metadata.durable()
  }

  async reclaim(request: api.MemberRef & { topic: string; partition: string }): Promise<void> {
    this.#groups.reclaim(request)
    await this.#metadata.durable()
  }

  async leaveGroup(request: api.MemberRef): Promise<void> {
    this.#groups.leave(request)
    await this.#metadata.durable()
  }

  async listGroups(): Promise<{ groups: string[] }> {
    return { groups: this.#groups.list() }
  }

  async describeGroup(request: { group: string }): Promise<api.GroupInfo> {
    return this.#groups.describe(request.group)
  }

  seekGroup(request: api.SeekGroupRequest): Promise<void> {
    return this.#groups.seek(request)
  }

  deleteGroup(request: { group: string }): Promise<void> {
    return this.#groups.delete(request.group)
  }

  endTransaction(request: api.EndTransactionRequest): Promise<void> {
    return this.#transactions.end(request)
  }

  closeProducer(request: { producerId: number; epoch: number }): Promise<void> {
    return this.#transactions.closeProducer(request.producerId, request.epoch)
  }

  async listTables(): Promise<{ tables: string[] }> {
    this.#checkOpen()
    return { tables: this.#tables.list() }
  }

  async readRows(request: { table: string }): Promise<{ rows: TableRow[] }> {
    this.#checkOpen()
    return { rows: this.#tables.rows(request.table) }
  }

  async readRow(request: { table: string; key: string }): Promise<{ row: TableRow | null }> {
    this.#checkOpen()
    return { row: this.#tables.row(request.table, request.key) ?? null }
  }

  async writeRow(request: TableWrite): Promise<{ written: boolean }> {
    this.#checkOpen()
    return { written: await this.#tables.write(request) }
  }

  /** Idempotent. Writes what is held back and closes the files. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#groups.close()
    this.#transactions.close()
    // Together: closing a log cuts the compaction short that maintenance may be at.
    const maintained = this.#maintenance.close()
    const results = await Promise.allSettled([this.#topics.close(), this.#metadata.close(), maintained])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw classify(failed.reason)
  }

  #partition({ topic, partition }: { topic: string; partition: string }): Partition {
    return this.#topics.get(topic).partition(partition)
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new StreamError('CLOSED', 'the log is closed: connect again')
  }
}

const STALE: api.ProduceResult = { status: 'stale' }
const OUT_OF_SEQUENCE: api.ProduceResult = { status: 'sequence' }

/** The log refuses a batch whose forerunners it does not have. */
function isOutOfSequence(error: unknown, batch: Buffer): boolean {
  return error instanceof StreamError && error.code === 'INVALID_ARGUMENT' && baseSequence(batch, 0) > 0
}
