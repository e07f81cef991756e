import type {
  AssignmentEvents,
  Capabilities,
  Driver,
  DriverAdmin,
  DriverGroups,
  DriverProducer,
  DriverProducerOptions,
  DriverReaderOptions,
  GroupMember,
  JoinOptions,
  PartitionReader,
  Position,
  StreamError,
  TransactionalProducer,
  TransactionsOptions,
} from '../../src/driver.ts'
import { KafkaAdmin } from './admin/kafka-admin.ts'
import { KAFKA_CAPABILITIES, LEADER_ONLY_CAPABILITIES } from './capabilities.ts'
import { classify } from './classify.ts'
import { KafkaGroups } from './grouping/kafka-groups.ts'
import { joinGroup } from './grouping/kafka-member.ts'
import { parseOffset } from './offsets.ts'
import type { KafkaCluster, KafkaGroupMember } from './parts.ts'
import { Idempotence, WITHOUT_IDENTITY } from './producing/idempotence.ts'
import { KafkaProducer } from './producing/kafka-producer.ts'
import { type EngineSettings, ProduceEngine } from './producing/produce-engine.ts'
import { openReader } from './reading/kafka-reader.ts'
import { KafkaTransactionalProducer } from './transacting/transactional-producer.ts'

/** The driver of Apache Kafka and Amazon MSK, over any wire. */
export class KafkaDriver implements Driver {
  readonly name = 'kafka'
  readonly address: string
  readonly capabilities: Capabilities
  readonly admin: DriverAdmin
  readonly groups: DriverGroups
  readonly #cluster: KafkaCluster
  readonly #engineSettings: EngineSettings
  readonly #producers = new Set<KafkaProducer>()
  readonly #readers = new Set<PartitionReader>()
  readonly #members = new Set<KafkaGroupMember>()
  readonly #transactional = new Set<KafkaTransactionalProducer>()
  #closing: Promise<void> | undefined

  constructor(address: string, cluster: KafkaCluster, engineSettings: EngineSettings) {
    this.address = address
    this.admin = new KafkaAdmin(cluster)
    this.groups = new KafkaGroups(cluster)
    this.capabilities = engineSettings.acks === 1 ? LEADER_ONLY_CAPABILITIES : KAFKA_CAPABILITIES
    this.#cluster = cluster
    this.#engineSettings = engineSettings
  }

  comparePositions(a: Position, b: Position): number {
    return parseOffset(a) - parseOffset(b)
  }

  classify(error: unknown): StreamError {
    return classify(error)
  }

  async openProducer({ clientId }: DriverProducerOptions): Promise<DriverProducer> {
    const { wire } = this.#cluster
    const identities = this.#engineSettings.acks === 1 ? WITHOUT_IDENTITY : new Idempotence(wire)
    const engine = new ProduceEngine(wire, identities, this.#engineSettings)
    return noted(this.#producers, new KafkaProducer(engine, clientId, (it) => this.#producers.delete(it)))
  }

  async openReader(options: DriverReaderOptions): Promise<PartitionReader> {
    return noted(this.#readers, await openReader(this.#cluster, options, (it) => this.#readers.delete(it)))
  }

  async joinGroup(options: JoinOptions, events: AssignmentEvents): Promise<GroupMember> {
    return noted(
      this.#members,
      await joinGroup(this.#cluster, options, events, (it) => this.#members.delete(it)),
    )
  }

  async openTransactions(options: TransactionsOptions): Promise<TransactionalProducer> {
    // Transactions are all in-sync replicas' business, whatever the address says of other sends.
    const settings = { ...this.#engineSettings, acks: -1 as const }
    const { wire } = this.#cluster
    // Under an id of its member's, what a killed process leaves open is found by its group.
    const [member] = this.#members
    const transactionalId = options.transactionalId ?? member?.transactionalId()
    const named = { ...options, ...(transactionalId === undefined ? {} : { transactionalId }) }
    const producer = await KafkaTransactionalProducer.open(wire, settings, named, (it) =>
      this.#transactional.delete(it),
    )
    return noted(this.#transactional, producer)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // While these end they still need the wire.
    await Promise.allSettled([
      ...Array.from(this.#producers, (producer) => producer.close(0)),
      ...Array.from(this.#transactional, (producer) => producer.close()),
      ...Array.from(this.#members, (member) => member.stop()),
      ...Array.from(this.#readers, (reader) => reader.close()),
    ])
    await this.#cluster.wire.close()
  }
}

function noted<T>(set: Set<T>, it: T): T {
  set.add(it)
  return it
}
