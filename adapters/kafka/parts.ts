import type {
  AssignmentEvents,
  CheckpointUpdate,
  DriverReaderOptions,
  GroupMember,
  JoinOptions,
  Logger,
  PartitionReader,
} from '../../src/driver.ts'
import type { KafkaWire } from './wire/wire.ts'

// What the adapter's parts know of each other. `driver.ts` composes them:
//   reading/kafka-reader.ts    export function openReader(cluster, options, onClose): Promise<PartitionReader>
//   grouping/kafka-member.ts   export function joinGroup(cluster, options, events, onClose): Promise<KafkaGroupMember>
//   grouping/kafka-groups.ts   export class KafkaGroups implements DriverGroups { constructor(cluster) }

/** An open cluster, as every part is given it. One a driver. */
export interface KafkaCluster {
  readonly wire: KafkaWire
  readonly logger: Logger
  /** Where this client stands, for reading from the nearest replica (KIP-392). */
  readonly rack: string | undefined
  readonly groupProtocol: GroupProtocol
}

/** What members speak: the protocol of all Kafka versions, or that of Kafka 4 (KIP-848). */
export type GroupProtocol = 'classic' | 'consumer'

export type OpenReader = (
  cluster: KafkaCluster,
  options: DriverReaderOptions,
  onClose: (reader: PartitionReader) => void,
) => Promise<PartitionReader>

export type JoinGroup = (
  cluster: KafkaCluster,
  options: JoinOptions,
  events: AssignmentEvents,
  onClose: (member: KafkaGroupMember) => void,
) => Promise<KafkaGroupMember>

/** A group's member, and what a transaction must know of it. */
export interface KafkaGroupMember extends GroupMember {
  /** Ends at once, without drain: the driver closes. Leaves the group if that is quick. Idempotent. */
  stop(): Promise<void>
  /**
   * What TxnOffsetCommit sends for these updates, fenced by the generation (KIP-447). Throws FENCED where an assignment is no
   * longer held.
   */
  offsetCommit(updates: readonly CheckpointUpdate[]): GroupOffsets
  /** A fresh transactional id; what is open under it is aborted by the group when this member is gone. */
  transactionalId(): string
}

export interface GroupOffsets {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly groupInstanceId: string | null
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    /** Of the next record. */
    readonly offset: number
    /** -1 where unknown. */
    readonly leaderEpoch: number
    readonly metadata: string | null
  }[]
}
