import type { ConsumedBatch } from './batch.ts'
import type { Capabilities, Capability } from './capabilities.ts'
import type { Consumer } from './consumer/consumer.ts'
import type { ConsumerOptions, RecordOf } from './consumer/options.ts'
import type { Driver, DriverAdmin, DriverGroups } from './driver.ts'
import type { Position } from './position.ts'
import type { Producer, ProducerOptions, Sender } from './producer/producer.ts'
import type { Reader, ReadOptions } from './reader/reader.ts'
import type { TopicLike } from './topic.ts'

/** Topics: create, list, describe with lineage, delete, change the number of partitions. */
export interface Admin extends Omit<DriverAdmin, 'addPartitions' | 'splitPartition' | 'mergePartitions'> {
  /** Raises the number of open partitions. Where there is no lineage keys move: say `acceptReordering`. */
  addPartitions(
    topic: string,
    total: number,
    options?: { readonly acceptReordering?: boolean },
  ): Promise<void>
  /** UNSUPPORTED where `splitMerge` is not declared. */
  splitPartition(topic: string, partition: string): Promise<string[]>
  mergePartitions(topic: string, partitions: readonly [string, string]): Promise<string[]>
}

/** Consumer groups: list, describe with lag, seek, delete. */
export type Groups = DriverGroups

/** Sends that become visible together with the commit, and checkpoints with them. */
export type Transaction = Sender

export interface TransactionOptions {
  /** Fences other users of the same id. Default: one of this connection's own. */
  readonly transactionalId?: string
  /** Milliseconds. Default: 60,000. */
  readonly timeoutMs?: number
}

/** An open backend. */
interface AnyStreams extends AsyncDisposable {
  readonly address: string
  readonly capabilities: Capabilities
  readonly admin: Admin
  readonly groups: Groups
  producer(options?: ProducerOptions): Producer
  consumer<const T extends TopicLike>(options: ConsumerOptions<T>): Consumer<RecordOf<T>>
  read<T extends TopicLike>(topic: T, options?: ReadOptions): Reader<RecordOf<T>>
  /** Order of two positions of one partition. */
  comparePositions(a: Position, b: Position): number
  /** Closes what was opened here, then the backend. Idempotent. */
  close(): Promise<void>
}

interface Transactional {
  /** Sends atomically: all becomes visible when `work` resolves, nothing when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Likewise, and checkpoints `batch` with it: exactly once for readers of committed records. */
  transaction<T>(
    batch: ConsumedBatch<unknown>,
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>
}

/** An open backend, with what its capabilities add. */
export type Streams<C extends Capability = never> = AnyStreams &
  ('transactions' extends C ? Transactional : unknown)

/** Where drivers are at hand: for `connect(driver)`. */
export type { Driver }
