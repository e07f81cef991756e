import type { TableRow, TableWrite } from '../../../src/driver.ts'
import type { AbortedTransaction } from '../../../src/formats/record-batch/index.ts'
import type { TopicSettings } from './topics/topic-settings.ts'

/**
 * What the clients of a log ask of its broker: plain JSON data and, as `bytes`, one Buffer an argument or a result,
 * so that a call goes straight to a broker in this process or through a socket to that of another. Every call
 * may be repeated after a lost connection without another effect. Rejects with StreamError alone.
 */
export interface BrokerApi {
  createTopic(request: {
    name: string
    partitions: number
    settings: TopicSettings
    token: string
  }): Promise<void>
  listTopics(request: Record<never, never>): Promise<{ topics: string[] }>
  describeTopic(request: { topic: string }): Promise<TopicInfo>
  /** What a producer needs for its routing. */
  layout(request: { topic: string }): Promise<Layout>
  deleteTopic(request: { topic: string }): Promise<void>
  addPartitions(request: { topic: string; total: number; token: string }): Promise<void>
  splitPartition(request: {
    topic: string
    partition: string
    token: string
  }): Promise<{ children: string[] }>
  mergePartitions(request: {
    topic: string
    partitions: readonly [string, string]
    token: string
  }): Promise<{ children: string[] }>

  /** A producer id that nobody had. With a transactional id its earlier users are fenced and their transaction is aborted. */
  initProducer(request: InitProducerRequest): Promise<{ producerId: number; epoch: number }>
  /** Appends one batch. Appended when the call returns, durable when the result is there: not a promise if it is at once. */
  produce(request: ProduceRequest): ProduceResult | Promise<ProduceResult>
  /** Whole stored batches from the one that holds `offset` on; waits up to `maxWaitMs` (null: without end) for some. */
  fetch(request: FetchRequest, signal?: AbortSignal): Promise<FetchResult>
  /** The bounds of a partition and, with `timestamp`, the first offset that is not older. */
  offsets(request: { topic: string; partition: string; timestamp?: number }): Promise<PartitionOffsets>

  joinGroup(request: JoinGroupRequest): Promise<void>
  /** The member's heartbeat: answers when its assignments differ from those `seen`, and after `waitMs` at the latest. */
  syncGroup(request: SyncGroupRequest, signal?: AbortSignal): Promise<SyncGroupResult>
  /** The member has drained these; the next owners may begin. */
  releasePartitions(request: MemberRef & { partitions: readonly PartitionClaim[] }): Promise<void>
  /** One entry an update: null, or why it was refused. */
  checkpoint(
    request: MemberRef & { updates: readonly PlainCheckpoint[] },
  ): Promise<{ results: (Refusal | null)[] }>
  abandon(request: MemberRef & PartitionClaim): Promise<void>
  reclaim(request: MemberRef & { topic: string; partition: string }): Promise<void>
  leaveGroup(request: MemberRef): Promise<void>
  listGroups(request: Record<never, never>): Promise<{ groups: string[] }>
  describeGroup(request: { group: string }): Promise<GroupInfo>
  seekGroup(request: SeekGroupRequest): Promise<void>
  deleteGroup(request: { group: string }): Promise<void>

  /** Decides the open transaction of a producer. Rejects FENCED when it is over already, or a checkpoint in it is refused. */
  endTransaction(request: EndTransactionRequest): Promise<void>
  /** Aborts what is open; a transactional id that was made up for this producer is forgotten. */
  closeProducer(request: { producerId: number; epoch: number }): Promise<void>
  listTables(request: Record<never, never>): Promise<{ tables: string[] }>
  readRows(request: { table: string }): Promise<{ rows: TableRow[] }>
  readRow(request: { table: string; key: string }): Promise<{ row: TableRow | null }>
  writeRow(request: TableWrite): Promise<{ written: boolean }>
}

/** A process and the handle in it that uses the log: when it is gone, so are its memberships and transactions. */
export interface Owner {
  readonly id: string
  readonly pid: number
  /** Tells process ids of different machines and containers apart. */
  readonly host: string
}

export interface LayoutPartition {
  readonly id: string
  /** Its share of the 32-bit hash space, both bounds inclusive. */
  readonly from: number
  readonly to: number
  readonly ended: boolean
}

export interface Layout {
  /** New for each topic, also of an old name. */
  readonly topicId: string
  readonly partitions: readonly LayoutPartition[]
  readonly settings: TopicSettings
}

export interface PartitionInfo extends LayoutPartition {
  readonly parents: readonly string[]
  readonly children: readonly string[]
  readonly start: number
  readonly end: number
  readonly bytes: number
}

export interface TopicInfo {
  readonly name: string
  readonly partitions: readonly PartitionInfo[]
  readonly settings: TopicSettings
}

export interface InitProducerRequest {
  readonly transactional?: {
    readonly id: string
    /** Made up by the driver: nobody will come back to it. */
    readonly anonymous: boolean
    /** Aborted after so long. Milliseconds. */
    readonly timeoutMs: number
  }
  readonly owner: Owner
}

export interface ProduceRequest {
  readonly topic: string
  readonly topicId: string
  readonly partition: string
  /** One record batch; the broker stamps it in place. */
  readonly bytes: Buffer
}

export type ProduceResult =
  | { readonly status: 'ok'; readonly baseOffset: number }
  /** The partition takes no more records, or the topic is another one: ask for the layout and route again. */
  | { readonly status: 'stale' }
  /** Batches before this one are missing from the log: begin again under a new producer id. */
  | { readonly status: 'sequence' }

export interface FetchRequest {
  readonly topic: string
  readonly partition: string
  readonly offset: number
  readonly maxBytes: number
  readonly maxWaitMs: number | null
  readonly committed: boolean
}

export interface PartitionOffsets {
  readonly start: number
  /** The offset that the next record gets. */
  readonly end: number
  /** Everything before it is decided: committed, aborted or not transactional. */
  readonly stable: number
  /** Nothing comes after `end`. */
  readonly ended: boolean
  /** The first offset not older than the timestamp asked for; null where there is none, or none was asked for. */
  readonly found: number | null
}

export interface FetchResult extends Omit<PartitionOffsets, 'found'> {
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
}

export type PlainFrom =
  | 'earliest'
  | 'latest'
  | { readonly at: number }
  | { readonly after: number }
  | { readonly timestamp: number }

export interface MemberRef {
  readonly group: string
  readonly memberId: string
}

export interface JoinGroupRequest extends MemberRef {
  readonly topics: readonly string[]
  readonly from: PlainFrom
  readonly clientId: string
  readonly sessionTimeoutMs: number
  readonly drainTimeoutMs: number
  readonly owner: Owner
}

export interface SyncGroupRequest extends MemberRef {
  /** What the last answer said; empty at first. */
  readonly seen: string
  readonly waitMs: number
}

export interface PartitionClaim {
  readonly topic: string
  readonly partition: string
  readonly epoch: number
}

export interface PlainAssignment extends PartitionClaim {
  /** To be drained and released. */
  readonly revoke: boolean
  readonly checkpoint: number
  /** Base64; undefined where it did not change since the answer that was seen. */
  readonly state?: string | null
  /** The states of the ended partitions that it continues, in base64; likewise, and empty once there is a state. */
  readonly inherited?: readonly string[]
}

export type SyncGroupResult =
  | { readonly status: 'ok'; readonly seen: string; readonly assignments: readonly PlainAssignment[] }
  /** The session ended: everything is lost; join again. */
  | { readonly status: 'unknown' }
  /** The membership is over for good. */
  | { readonly status: 'failed'; readonly error: Refusal }

export interface PlainCheckpoint extends PartitionClaim {
  readonly checkpoint: number
  /** Base64. */
  readonly state?: string
  readonly ended?: boolean
}

/** A StreamError as data. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly retryable?: boolean
  readonly topic?: string
  readonly partition?: string
  readonly position?: string
}

export interface GroupInfo {
  readonly group: string
  readonly state: 'empty' | 'stable' | 'rebalancing'
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly assignments: readonly { readonly topic: string; readonly partition: string }[]
  }[]
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: string
    readonly checkpoint: number
    readonly lag: number
    readonly owner: string | null
    readonly ended: boolean
    readonly state: string | null
  }[]
}

export interface SeekGroupRequest {
  readonly group: string
  readonly topic: string
  readonly to: PlainFrom
  readonly partition?: string
  readonly force: boolean
}

export interface EndTransactionRequest {
  readonly producerId: number
  readonly epoch: number
  /** Counts the producer's transactions, from 1: a repeated request is known by it. */
  readonly number: number
  readonly commit: boolean
  readonly checkpoints: readonly (MemberRef & { readonly updates: readonly PlainCheckpoint[] })[]
}

/** The names of the calls, for the socket: nothing else is called from there. */
export const BROKER_METHODS = [
  'createTopic',
  'listTopics',
  'describeTopic',
  'layout',
  'deleteTopic',
  'addPartitions',
  'splitPartition',
  'mergePartitions',
  'initProducer',
  'produce',
  'fetch',
  'offsets',
  'joinGroup',
  'syncGroup',
  'releasePartitions',
  'checkpoint',
  'abandon',
  'reclaim',
  'leaveGroup',
  'listGroups',
  'describeGroup',
  'seekGroup',
  'deleteGroup',
  'endTransaction',
  'closeProducer',
  'listTables',
  'readRows',
  'readRow',
  'writeRow',
] as const satisfies readonly (keyof BrokerApi)[]

export type BrokerMethod = (typeof BROKER_METHODS)[number]
