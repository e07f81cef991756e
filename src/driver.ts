/**
 * The contract between millrace's core and a backend, published as `millrace/driver`.
 *
 * An adapter owns the retries of writes (only it can keep their order and sequence), heartbeats and fencing; the core
 * owns handlers, their retries, lanes, checkpoint strategy, back-pressure, encoding and telemetry. Every method rejects
 * with `StreamError` alone. Methods may be called concurrently unless their comment says otherwise.
 */
import type { Capabilities } from './capabilities.ts'
import type { StreamError } from './errors.ts'
import type { Logger } from './logger.ts'
import type { Checkpoint, From, Lag, Position, Until } from './position.ts'
import type { EncodedRecord, Header } from './record.ts'

export type { Capabilities, CapabilitiesOf, Capability } from './capabilities.ts'
export {
  DecodeError,
  PartialFailureError,
  type RecordOutcome,
  StreamError,
  type StreamErrorCode,
} from './errors.ts'
export type { Logger } from './logger.ts'
export type { Checkpoint, From, Lag, Position, Until } from './position.ts'
export type { EncodedRecord, Header } from './record.ts'

/** What `connect` hands to an adapter beside the address. */
export interface DriverOptions {
  readonly logger: Logger
  /** Given by the caller as they are; an adapter that knows no credentials refuses them with INVALID_ARGUMENT. */
  readonly credentials?: unknown
  readonly tls?: unknown
  /**
   * Opens the tables that the backend of another address lends (leases on the log); to be closed by who asked. Rejects UNSUPPORTED where it lends
   * none, and as opening that address does. Absent where the driver was not opened by `connect`.
   */
  readonly openTables?: (address: string) => Promise<LentTables>
}

/** Opens a backend. Fails within seconds with a remedy when it cannot be reached. */
export type DriverFactory = (address: string, options: DriverOptions) => Promise<Driver>

export interface Driver {
  /** Scheme-like name for errors and telemetry: `log`, `memory`, `kafka`, `aws_kinesis`. */
  readonly name: string
  readonly address: string
  readonly capabilities: Capabilities
  readonly admin: DriverAdmin
  readonly groups: DriverGroups
  /** Present where this backend lends small durable tables to others. */
  readonly tables?: DriverTables
  /** Below 0, 0, above 0, as `a` stands before, at or after `b` in one partition. Throws INVALID_ARGUMENT on a malformed position. */
  comparePositions(a: Position, b: Position): number
  /** Any error of this backend as a `StreamError`; total, the unknown is INTERNAL and not retryable. */
  classify(error: unknown): StreamError
  openProducer(options: DriverProducerOptions): Promise<DriverProducer>
  /** Reads one partition in order, without a group. Rejects NOT_FOUND, POSITION_EXPIRED, INVALID_ARGUMENT at once where it can be known. */
  openReader(options: DriverReaderOptions): Promise<PartitionReader>
  /** Becomes a member of a group; assignments arrive through `events`, which may be called before the promise resolves. */
  joinGroup(options: JoinOptions, events: AssignmentEvents): Promise<GroupMember>
  /** Present exactly when `transactions` is declared. */
  openTransactions?(options: TransactionsOptions): Promise<TransactionalProducer>
  /** Idempotent. Ends everything that was opened here; leaves no timer, socket or file open. */
  close(): Promise<void>
}

// ---------------------------------------------------------------- topics

export interface TopicSpec {
  readonly name: string
  /** Default: 1. */
  readonly partitions?: number
  /** Keep records for so long, milliseconds. Default: the backend's. `Infinity` keeps all. */
  readonly retentionMs?: number
  /** Keep so many bytes a partition. Default: no bound. */
  readonly retentionBytes?: number
  /** Keep only the newest record of each key. Default: false. */
  readonly compacted?: boolean
  /** Largest record, bytes of key, value and headers. Default: the backend's. */
  readonly maxRecordBytes?: number
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** Settings only this backend knows, by its own names. Unknown ones are refused with INVALID_ARGUMENT. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface PartitionDescription {
  readonly id: string
  /** `ended`: takes no more records; its children continue it. */
  readonly state: 'open' | 'ended'
  /** Partitions that this one continues; empty where there is no lineage. */
  readonly parents: readonly string[]
  readonly children: readonly string[]
  /** The share of the hash space it serves, inclusive bounds as decimal strings; absent where keys are not routed by range. */
  readonly hashRange?: { readonly from: string; readonly to: string }
  /** First position still held, and the position that the next record would have or come after; null where unknown. */
  readonly earliest: Position | null
  readonly latest: Position | null
  readonly records?: number
  readonly bytes?: number
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: readonly PartitionDescription[]
  readonly maxRecordBytes: number
  readonly retentionMs?: number
  readonly retentionBytes?: number
  readonly compacted: boolean
  readonly settings: Readonly<Record<string, string>>
}

export interface DriverAdmin {
  /** Rejects ALREADY_EXISTS; INVALID_ARGUMENT for names outside `[A-Za-z0-9._-]{1,249}`. Resolves when the topic can be used. */
  createTopic(spec: TopicSpec): Promise<void>
  /** Names of the users' topics, sorted; internal ones are left out. */
  listTopics(): Promise<string[]>
  /** Rejects NOT_FOUND. */
  describeTopic(topic: string): Promise<TopicDescription>
  deleteTopic(topic: string): Promise<void>
  /** Raises the number of open partitions to `total`. Without `lineage`, refused unless `acceptReordering`. */
  addPartitions(topic: string, total: number, options: { readonly acceptReordering: boolean }): Promise<void>
  /** Present exactly when `splitMerge` is declared. Resolve with the ids of the children. */
  splitPartition?(topic: string, partition: string): Promise<string[]>
  mergePartitions?(topic: string, partitions: readonly [string, string]): Promise<string[]>
}

// ---------------------------------------------------------------- producing

export interface DriverProducerOptions {
  /** A name for logs and telemetry. */
  readonly clientId: string
}

export interface SendOptions {
  /** Gives up waiting; the records may still be written. */
  readonly signal?: AbortSignal
  /**
   * May be called, any number of times, while some of the call's records still wait, as where one partition of several has no leader:
   * those that `isWritten` says are durable, where the acknowledgement says. An adapter that knows no such thing does not call it.
   */
  onWritten?(acknowledgement: Acknowledgement, isWritten: (i: number) => boolean): void
}

/** Where each record of one call stands; computed when asked. `i` is the index in the call. */
export interface Acknowledgement {
  readonly count: number
  partition(i: number): string
  position(i: number): Position
}

export interface DriverProducer {
  /**
   * Writes records; resolves when all are durable, rejects with `PartialFailureError` when some are not.
   * Records of one key are written in the order of the calls and within a call, through retries; the adapter may
   * merge, split and pipeline calls as long as that holds. Too large records reject RECORD_TOO_LARGE, naming the limit,
   * before anything of the call is sent.
   */
  send(topic: string, records: readonly EncodedRecord[], options?: SendOptions): Promise<Acknowledgement>
  /** Sends what is held back, and resolves when every earlier `send` has settled. */
  flush(): Promise<void>
  /** Flushes until `deadlineMs` from now, then rejects what is left with CLOSED. Idempotent. */
  close(deadlineMs: number): Promise<void>
}

// ---------------------------------------------------------------- reading

/**
 * Consecutive records of one partition, as fetched. Nothing is decoded until it is asked for; byte views are of the fetched
 * buffer, which is never reused. `count` may be 0 when only the resume point moved (holes, control records, idle time).
 */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: string
  readonly count: number
  /** Memory this batch holds, for back-pressure. */
  readonly sizeBytes: number
  key(i: number): Uint8Array | null
  value(i: number): Uint8Array | null
  headers(i: number): readonly Header[]
  /** A cheap hint: false where record `i` has no headers for certain. Absent: not known, `headers` is asked for every record. */
  mayHaveHeaders?(i: number): boolean
  timestamp(i: number): number
  arrival(i: number): number | undefined
  position(i: number): Position
  /** A 32-bit hash of the key, equal for equal keys; null keys spread. Cheap: no view is made. */
  keyHash(i: number): number
  /** Where to resume when records `0 … i` are done. */
  checkpointAfter(i: number): Checkpoint
  /** Where to resume when all of the batch is done, trailing holes included. */
  readonly end: Checkpoint
  /** How far `end` is behind the partition's end, as known when this was fetched. */
  readonly lag: Lag
}

export interface DriverReaderOptions {
  readonly topic: string
  readonly partition: string
  /** A checkpoint made by this adapter, or a `from`. `at`/`after` beyond the end reject INVALID_ARGUMENT. */
  readonly start: { readonly checkpoint: Checkpoint } | { readonly from: From }
  /** Default: never ends, except where the partition does. */
  readonly until?: Until
  /** Default: committed, which hides records of open and aborted transactions. */
  readonly isolation?: 'committed' | 'uncommitted'
}

export interface NextOptions {
  /** At most about so many bytes; one record that is larger comes alone. */
  readonly maxBytes: number
  /** Rejects with the signal's reason; the reader stays where it was. */
  readonly signal: AbortSignal
}

/** Not to be called concurrently with itself. */
export interface PartitionReader {
  /**
   * The next records, waiting for some as long as there are none. Null: the end was reached, by `until` or because
   * the partition ended and all of it was read. Retries what passes by itself; rejects POSITION_EXPIRED, NOT_FOUND and the like.
   */
  next(options: NextOptions): Promise<FetchedBatch | null>
  /** The resume point after what `next` gave so far. */
  readonly checkpoint: Checkpoint
  /** Idempotent; a waiting `next` rejects CLOSED. */
  close(): Promise<void>
}

// ---------------------------------------------------------------- groups

export interface JoinOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** For partitions that exist when the group first sees the topic, resolved and persisted then; later ones start at their beginning. */
  readonly from: From
  readonly clientId: string
  /**
   * The member's name beyond its process, given only where `staticMembership` is declared. Who joins under it within the session of
   * the one before has the partitions of that one, and nobody else's move; `leave` keeps the place until the session is over. Of two
   * who live at once, one is refused or fails with FENCED.
   */
  readonly instanceId?: string
  /** A member unheard of for so long is dead. Milliseconds. */
  readonly sessionTimeoutMs: number
  /** How long a revoked partition may be drained before it is taken by force. Milliseconds. */
  readonly drainTimeoutMs: number
}

/** The right to process one partition, from `assigned` until `revoked` resolved or `lost`. */
export interface Assignment {
  readonly topic: string
  readonly partition: string
  /** New at every acquisition; a checkpoint under an older one is refused. */
  readonly epoch: number
  /** Where to resume. Always there: `from` was resolved at the first assignment. */
  readonly checkpoint: Checkpoint
  /** What the core stored with the last checkpoint (parked keys); null when nothing. */
  readonly state: Uint8Array | null
  /** The states of the ended partitions that this one continues, until it has a state of its own. Empty where there is no lineage. */
  readonly inherited: readonly Uint8Array[]
}

/** Called by the adapter, one at a time for one partition. None may throw. */
export interface AssignmentEvents {
  assigned(assignment: Assignment): void
  /** The core drains and checkpoints, then resolves; only then may the adapter give the partition away. Heartbeats go on meanwhile. */
  revoked(assignment: Assignment): Promise<void>
  /** Gone already: nothing may be checkpointed any more. */
  lost(assignment: Assignment): void
  /** The membership itself is over for good (topic deleted, credentials refused); all assignments are lost. */
  failed(error: StreamError): void
}

export interface CheckpointUpdate {
  readonly assignment: Assignment
  readonly checkpoint: Checkpoint
  /** Stored atomically with the checkpoint; undefined leaves what was stored. At most `GroupMember.maxStateBytes`. */
  readonly state?: Uint8Array | undefined
  /** All of an ended partition is done: its children may start. */
  readonly ended?: boolean
}

export interface GroupMember {
  readonly memberId: string
  readonly maxStateBytes: number
  /** Durable when resolved. One result an update, in order: an error is FENCED where the assignment is no longer this member's. */
  checkpoint(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]>
  /** Gives up one assignment now, without drain: a hung handler. Its records may come again elsewhere; it is not offered to this member again until `reclaim`. */
  abandon(assignment: Assignment): Promise<void>
  /** The hung handler has ended: the member may be given that partition again. */
  reclaim(topic: string, partition: string): Promise<void>
  /** Revokes what is held (events are called), then leaves. Idempotent. */
  leave(): Promise<void>
}

export interface GroupMemberDescription {
  readonly memberId: string
  readonly clientId: string
  readonly assignments: readonly { readonly topic: string; readonly partition: string }[]
}

export interface GroupPartitionDescription {
  readonly topic: string
  readonly partition: string
  readonly checkpoint: Checkpoint | null
  /** The position the checkpoint stands for, for people. */
  readonly position: Position | null
  readonly lag: Lag
  readonly owner: string | null
  readonly ended: boolean
  readonly state: Uint8Array | null
}

export interface GroupDescription {
  readonly group: string
  readonly state: 'empty' | 'stable' | 'rebalancing'
  readonly members: readonly GroupMemberDescription[]
  readonly partitions: readonly GroupPartitionDescription[]
}

export interface DriverGroups {
  listGroups(): Promise<string[]>
  /** Rejects NOT_FOUND. */
  describeGroup(group: string): Promise<GroupDescription>
  /**
   * Moves a group's checkpoints in a topic (all its partitions, or the one named); parked keys are forgotten there. Refused with
   * FENCED while members are live unless `force`. Creates the group when there is none.
   */
  seekGroup(
    group: string,
    topic: string,
    to: From,
    options: { readonly partition?: string; readonly force?: boolean },
  ): Promise<void>
  /** Refused with FENCED while members are live. */
  deleteGroup(group: string): Promise<void>
}

// ---------------------------------------------------------------- transactions

export interface TransactionsOptions {
  /** Fences earlier users of the same id. Default: a fresh one. */
  readonly transactionalId?: string
  readonly clientId: string
  /** An open transaction is aborted by the backend after so long. Milliseconds. */
  readonly timeoutMs: number
}

/** One transaction at a time. */
export interface TransactionalProducer {
  begin(): Promise<DriverTransaction>
  close(): Promise<void>
}

/** After a failed `commit` or any FENCED the transaction is over and the producer is to be closed. */
export interface DriverTransaction {
  send(topic: string, records: readonly EncodedRecord[]): Promise<Acknowledgement>
  /** Takes effect with the commit; rejects FENCED where an assignment is no longer the member's. */
  checkpoint(member: GroupMember, updates: readonly CheckpointUpdate[]): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

// ---------------------------------------------------------------- tables that one backend lends another

export interface TableRow {
  readonly key: string
  readonly value: string
  /** New with each write. */
  readonly version: string
}

export interface TableWrite {
  readonly table: string
  readonly key: string
  /** The version that is to be replaced; null: there must be no such row. */
  readonly expected: string | null
  /** Null removes the row. `version` is the writer's, never used before: by it a repeated write is known. */
  readonly next: { readonly value: string; readonly version: string } | null
}

/** Small tables with conditional writes: some thousands of rows, values up to about a megabyte. A table is there while it has rows. */
export interface DriverTables {
  /** Sorted. */
  listTables(): Promise<string[]>
  readRows(table: string): Promise<readonly TableRow[]>
  readRow(table: string, key: string): Promise<TableRow | undefined>
  /** True: done and durable, now or by an earlier call of the same write. False: the row is not of the version expected. */
  writeRow(write: TableWrite): Promise<boolean>
}

export interface LentTables extends DriverTables {
  /** Idempotent. */
  close(): Promise<void>
}
