import type { ConsumedBatch } from './batch.ts'
import type { Capabilities } from './capabilities.ts'
import type { Consumer } from './consumer/consumer.ts'
import { GroupConsumer } from './consumer/group-consumer.ts'
import type { ConsumerOptions, RecordOf } from './consumer/options.ts'
import type { Driver } from './driver.ts'
import { StreamError } from './errors.ts'
import type { Logger } from './logger.ts'
import type { Position } from './position.ts'
import { CoreProducer } from './producer/core-producer.ts'
import type { Producer, ProducerOptions } from './producer/producer.ts'
import type { Reader, ReadOptions } from './reader/reader.ts'
import { TopicReader } from './reader/topic-reader.ts'
import type { Admin, Groups, Streams, Transaction, TransactionOptions } from './streams.ts'
import { Telemetry } from './telemetry/telemetry.ts'
import { type TopicLike, topicOf } from './topic.ts'
import { TransactionRunner } from './transaction/transaction-runner.ts'

/** Everything above one driver. Its types are `Streams`; this is how it works. */
export class OpenStreams implements Streams<'transactions'> {
  readonly address: string
  readonly capabilities: Capabilities
  readonly admin: Admin
  readonly groups: Groups
  private readonly driver: Driver
  private readonly logger: Logger
  private readonly telemetry: Telemetry
  private readonly transactions: TransactionRunner
  private readonly opened = new Set<{ close(): Promise<void> }>()
  private closing: Promise<void> | undefined

  constructor(driver: Driver, logger: Logger) {
    this.driver = driver
    this.logger = logger
    this.address = driver.address
    this.capabilities = driver.capabilities
    this.groups = driver.groups
    this.admin = adminOf(driver)
    this.telemetry = new Telemetry(driver.name, driver.capabilities.has('headers'))
    this.transactions = new TransactionRunner(driver)
  }

  producer(options?: ProducerOptions): Producer {
    this.refuseClosed()
    return this.track(new CoreProducer(this.driver, this.telemetry, options))
  }

  consumer<const T extends TopicLike>(options: ConsumerOptions<T>): Consumer<RecordOf<T>> {
    this.refuseClosed()
    const consumer = new GroupConsumer(this.driver, this.telemetry, this.logger, options)
    return this.track(consumer) as unknown as Consumer<RecordOf<T>>
  }

  read<T extends TopicLike>(topic: T, options?: ReadOptions): Reader<RecordOf<T>> {
    this.refuseClosed()
    return this.track(new TopicReader(this.driver, topicOf(topic), options)) as unknown as Reader<RecordOf<T>>
  }

  async transaction<T>(
    first: ConsumedBatch<unknown> | ((tx: Transaction) => Promise<T>),
    second?: ((tx: Transaction) => Promise<T>) | TransactionOptions,
    third?: TransactionOptions,
  ): Promise<T> {
    this.refuseClosed()
    if (typeof first === 'function')
      return this.transactions.run(undefined, first, second as TransactionOptions)
    return this.transactions.run(first, second as (tx: Transaction) => Promise<T>, third)
  }

  comparePositions(a: Position, b: Position): number {
    return this.driver.comparePositions(a, b)
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async shutDown(): Promise<void> {
    // Consumers and producers end beside each other; handlers that still send find their producer open until it is its turn.
    const results = await Promise.allSettled([...this.opened].map((part) => part.close()))
    await this.transactions.close()
    await this.driver.close()
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  private track<P extends { close(): Promise<void> }>(part: P): P {
    const close = part.close.bind(part)
    this.opened.add(part)
    part.close = () => close().finally(() => this.opened.delete(part))
    return part
  }

  private refuseClosed(): void {
    if (this.closing) throw new StreamError('CLOSED', `${this.address} was closed: connect again.`)
  }
}

function adminOf(driver: Driver): Admin {
  const { admin } = driver
  const unsupported = (what: string) => async (): Promise<never> => {
    throw new StreamError(
      'UNSUPPORTED',
      `${driver.name} has no ${what}: use addPartitions, or another backend.`,
    )
  }
  return {
    createTopic: (spec) => admin.createTopic(spec),
    listTopics: () => admin.listTopics(),
    describeTopic: (topic) => admin.describeTopic(topic),
    deleteTopic: (topic) => admin.deleteTopic(topic),
    addPartitions: (topic, total, options) =>
      admin.addPartitions(topic, total, { acceptReordering: options?.acceptReordering ?? false }),
    splitPartition: admin.splitPartition?.bind(admin) ?? unsupported('splitting of partitions'),
    mergePartitions: admin.mergePartitions?.bind(admin) ?? unsupported('merging of partitions'),
  }
}
