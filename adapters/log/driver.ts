import type {
  AssignmentEvents,
  Capabilities,
  Driver,
  DriverAdmin,
  DriverGroups,
  DriverProducer,
  DriverProducerOptions,
  DriverReaderOptions,
  DriverTables,
  GroupMember,
  JoinOptions,
  PartitionReader,
  Position,
  StreamError,
  TransactionalProducer,
  TransactionsOptions,
} from '../../src/driver.ts'
import type { TopicSettings } from './broker/topics/topic-settings.ts'
import type { BrokerLink } from './broker-link.ts'
import { classify } from './classify.ts'
import { LogGroups } from './grouping/log-groups.ts'
import { LogMember } from './grouping/log-member.ts'
import { LogAdmin } from './log-admin.ts'
import { LogTables } from './log-tables.ts'
import { parseOffset } from './offsets.ts'
import { LogProducer } from './producing/producer.ts'
import { LogReader } from './reading/log-reader.ts'
import { LogTransactionalProducer } from './transacting/transactional-producer.ts'

export interface LogDriverOptions {
  readonly name: 'log' | 'memory'
  readonly address: string
  readonly capabilities: Capabilities
  readonly link: BrokerLink
  /** For topics that are created without saying otherwise. */
  readonly defaults: TopicSettings
}

/** The driver of the embedded log, in memory or in files: the same on both, apart from the way to the broker. */
export class LogDriver implements Driver {
  readonly name: string
  readonly address: string
  readonly capabilities: Capabilities
  readonly admin: DriverAdmin
  readonly groups: DriverGroups
  readonly tables: DriverTables
  readonly #link: BrokerLink
  readonly #producers = new Set<LogProducer>()
  readonly #readers = new Set<LogReader>()
  readonly #members = new Set<LogMember>()
  readonly #transactional = new Set<LogTransactionalProducer>()
  #closing: Promise<void> | undefined

  constructor(options: LogDriverOptions) {
    const { link } = options
    this.name = options.name
    this.address = options.address
    this.capabilities = options.capabilities
    this.admin = new LogAdmin(link, options.defaults)
    this.groups = new LogGroups(link)
    this.tables = new LogTables(link)
    this.#link = link
  }

  comparePositions(a: Position, b: Position): number {
    return parseOffset(a) - parseOffset(b)
  }

  classify(error: unknown): StreamError {
    return classify(error)
  }

  async openProducer({ clientId }: DriverProducerOptions): Promise<DriverProducer> {
    // Asks the broker something, so that a log that cannot be reached is noticed here.
    await this.#link.listTopics({})
    return noted(this.#producers, new LogProducer(this.#link, clientId, (it) => this.#producers.delete(it)))
  }

  async openReader(options: DriverReaderOptions): Promise<PartitionReader> {
    const reader = await LogReader.open(this.#link, options, (it) => this.#readers.delete(it))
    return noted(this.#readers, reader)
  }

  async joinGroup(options: JoinOptions, events: AssignmentEvents): Promise<GroupMember> {
    const member = await LogMember.join(this.#link, options, events, (it) => this.#members.delete(it))
    return noted(this.#members, member)
  }

  async openTransactions(options: TransactionsOptions): Promise<TransactionalProducer> {
    const producer = await LogTransactionalProducer.open(this.#link, options, (it) =>
      this.#transactional.delete(it),
    )
    return noted(this.#transactional, producer)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // While these end they still need the link.
    await Promise.allSettled([
      ...Array.from(this.#producers, (producer) => producer.close(0)),
      ...Array.from(this.#transactional, (producer) => producer.close()),
      ...Array.from(this.#members, (member) => member.stop()),
      ...Array.from(this.#readers, (reader) => reader.close()),
    ])
    await this.#link.close()
  }
}

function noted<T>(set: Set<T>, it: T): T {
  set.add(it)
  return it
}
