import type { Position } from './position.ts'

/** One header. Names may repeat and keep their order; a null value is told from an empty one. */
export interface Header {
  readonly name: string
  readonly value: Uint8Array | null
}

/** What a producer takes for headers; strings are sent as UTF-8. */
export type HeadersInit = Readonly<Record<string, string | Uint8Array | null>> | readonly Header[]

/** A record as bytes, on its way to a backend. Never changed after it was handed over. */
export interface EncodedRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
  /** Milliseconds since the epoch; undefined lets the backend stamp it. */
  readonly timestamp: number | undefined
  /** A partition chosen by the caller; undefined lets the key decide. */
  readonly partition: string | undefined
}

/** A record to send. */
export interface NewRecord<V, K = unknown> {
  readonly value: V | null
  /** Default: the topic's `key` function, else null (spread over partitions). */
  readonly key?: K | null
  readonly headers?: HeadersInit
  /** Milliseconds since the epoch. Default: the backend's clock. */
  readonly timestamp?: number
  /** Overrides the routing by key. Default: by key. */
  readonly partition?: string
}

/**
 * A record as it was read. Key and value are decoded from the fetched bytes when they are first looked at;
 * one that does not decode throws `DecodeError` there. A null value is a tombstone.
 */
export interface StreamRecord<V = Uint8Array, K = Uint8Array> {
  readonly topic: string
  readonly partition: string
  readonly position: Position
  readonly key: K | null
  readonly value: V | null
  /** The bytes as stored: views of the fetched buffer, not to be written to. */
  readonly rawKey: Uint8Array | null
  readonly rawValue: Uint8Array | null
  readonly headers: readonly Header[]
  /** The producer's time where it is carried, else the backend's. Milliseconds since the epoch. */
  readonly timestamp: number
  /** The backend's own time of arrival, where it keeps one apart. Milliseconds since the epoch. */
  readonly arrival: number | undefined
  /** The last header of that name as text; undefined when there is none or it is null. */
  header(name: string): string | undefined
}
