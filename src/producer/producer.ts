import type { Position } from '../position.ts'
import type { HeadersInit, NewRecord } from '../record.ts'
import type { InputOf, KeyOf, TopicLike } from '../topic.ts'

export interface ProducerOptions {
  /** A name for logs and telemetry. Default: `millrace-<pid>`. */
  readonly clientId?: string
  /** `send` waits while so much is unacknowledged. Bytes. Default: 32 MiB. */
  readonly maxBufferedBytes?: number
  /** `close` gives up after so long. Milliseconds. Default: 30,000. */
  readonly closeTimeoutMs?: number
}

/** Where a record stands. */
export interface SendResult {
  readonly partition: string
  readonly position: Position
}

/** Where the records of one call stand, computed when asked. */
export interface SendResults extends Iterable<SendResult> {
  readonly length: number
  at(index: number): SendResult
}

export interface RecordOptions<K> {
  /** Default: the topic's `key` of the value. */
  readonly key?: K | null
  readonly headers?: HeadersInit
  /** Milliseconds since the epoch. Default: the backend's clock. */
  readonly timestamp?: number
  readonly partition?: string
  /** Gives up waiting; the record may still be written. */
  readonly signal?: AbortSignal
}

/** The sending half that producers and transactions share. */
export interface Sender {
  /** Resolves when durable. Sends of one key keep the order of the calls, awaited or not. A null value is a tombstone. */
  send<T extends TopicLike>(
    topic: T,
    value: InputOf<T> | null,
    options?: RecordOptions<KeyOf<T>>,
  ): Promise<SendResult>
  /** Many values, one promise; keys by the topic's `key`. */
  sendBatch<T extends TopicLike>(topic: T, values: readonly (InputOf<T> | null)[]): Promise<SendResults>
  /** Many records with keys, headers and timestamps of their own, one promise. */
  sendRecords<T extends TopicLike>(
    topic: T,
    records: readonly NewRecord<InputOf<T>, KeyOf<T>>[],
  ): Promise<SendResults>
}

/**
 * Sends records. Safe to use from many places at once; calls made in one turn of the event loop travel together.
 * Errors: INVALID_ARGUMENT (does not encode), RECORD_TOO_LARGE, NOT_FOUND (topic), PARTIAL_FAILURE, CLOSED.
 */
export interface Producer extends Sender, AsyncDisposable {
  /** Unacknowledged now. */
  readonly bufferedBytes: number
  /** Resolves when everything sent so far is settled. */
  flush(): Promise<void>
  /** Flushes until its deadline, then rejects the rest with CLOSED. Idempotent. */
  close(): Promise<void>
}
