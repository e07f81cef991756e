import type {
  AssignmentEvents,
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
} from '../../src/driver.ts'
import { KinesisAdmin } from './admin/kinesis-admin.ts'
import { KINESIS_CAPABILITIES } from './capabilities.ts'
import { classify } from './classify.ts'
import type { JoinGroup, Kinesis, KinesisGroupMember, OpenReader } from './parts.ts'
import { comparePositions } from './positions.ts'
import { KinesisProducer } from './producing/kinesis-producer.ts'

/** What reads, and what keeps groups. */
export interface ConsumingParts {
  readonly openReader: OpenReader
  readonly joinGroup: JoinGroup
  readonly groups: DriverGroups
  /** Called after members and readers have ended, before the service closes. */
  close(): Promise<void>
}

/** The driver of Amazon Kinesis. */
export class KinesisDriver implements Driver {
  readonly name = 'aws_kinesis'
  readonly address: string
  readonly capabilities = KINESIS_CAPABILITIES
  readonly admin: DriverAdmin
  readonly groups: DriverGroups
  readonly #kinesis: Kinesis
  readonly #parts: ConsumingParts
  readonly #producers = new Set<KinesisProducer>()
  readonly #readers = new Set<PartitionReader>()
  readonly #members = new Set<KinesisGroupMember>()
  #closing: Promise<void> | undefined

  constructor(kinesis: Kinesis, parts: ConsumingParts) {
    this.address = kinesis.address
    this.admin = new KinesisAdmin(kinesis)
    this.groups = parts.groups
    this.#kinesis = kinesis
    this.#parts = parts
  }

  comparePositions(a: Position, b: Position): number {
    return comparePositions(a, b)
  }

  classify(error: unknown): StreamError {
    return classify(error)
  }

  async openProducer(options: DriverProducerOptions): Promise<DriverProducer> {
    const producer = new KinesisProducer(this.#kinesis, options, (it) => this.#producers.delete(it))
    this.#producers.add(producer)
    return producer
  }

  async openReader(options: DriverReaderOptions): Promise<PartitionReader> {
    const reader = await this.#parts.openReader(this.#kinesis, options, (it) => this.#readers.delete(it))
    this.#readers.add(reader)
    return reader
  }

  async joinGroup(options: JoinOptions, events: AssignmentEvents): Promise<GroupMember> {
    const member = await this.#parts.joinGroup(this.#kinesis, options, events, (it) =>
      this.#members.delete(it),
    )
    this.#members.add(member)
    return member
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // While these end they still need the service.
    await Promise.allSettled([
      ...Array.from(this.#producers, (producer) => producer.close(0)),
      ...Array.from(this.#members, (member) => member.stop()),
      ...Array.from(this.#readers, (reader) => reader.close()),
    ])
    await this.#parts.close()
    this.#kinesis.service.close()
  }
}
