import type { StandardSchemaV1 } from '@standard-schema/spec'
import { StreamError } from './errors.ts'
import { bytes } from './serde/bytes.ts'
import { codecOf, type ValueCodec } from './serde/codec.ts'
import type { Serde } from './serde/serde.ts'
import { string } from './serde/string.ts'

/**
 * A name with what its keys and values are. `In` is what producers take, `Out` what consumers give; they differ only
 * under a schema that transforms.
 */
export interface Topic<In = Uint8Array, Out = In, K = string> {
  readonly name: string
  /** The key of a value that is sent without one. */
  readonly key: ((value: In) => K | null) | undefined
  readonly keySerde: Serde<K>
  readonly codec: ValueCodec
  /** Type only. */
  readonly '~types'?: { readonly in: In; readonly out: Out; readonly key: K }
}

// biome-ignore lint/suspicious/noExplicitAny: any topic, whatever its types
export type AnyTopic = Topic<any, any, any>

/** What stands for a topic: a `topic(…)`, or a name, which gives bytes with text keys. */
export type TopicLike = AnyTopic | string
export type InputOf<T> = T extends Topic<infer In, infer _Out, infer _K> ? In : Uint8Array
export type OutputOf<T> = T extends Topic<infer _In, infer Out, infer _K> ? Out : Uint8Array
export type KeyOf<T> = T extends Topic<infer _In, infer _Out, infer K> ? K : string

export interface TopicOptions<In, K> {
  /** A serde, or a Standard Schema (zod, valibot, arktype …) over JSON. Default: `bytes()`. */
  readonly value?: Serde<In> | StandardSchemaV1<In>
  /** Default: none, which sends null keys unless the call gives one. */
  readonly key?: (value: In) => K | null
  /** Default: `string()`. */
  readonly keySerde?: Serde<K>
}

/** Describes a topic; nothing is created. Throws INVALID_ARGUMENT on a name no backend takes. */
export function topic<V extends StandardSchemaV1, K = string>(
  name: string,
  options: {
    readonly value: V
    readonly key?: (value: StandardSchemaV1.InferInput<V>) => K | null
    readonly keySerde?: Serde<K>
  },
): Topic<StandardSchemaV1.InferInput<V>, StandardSchemaV1.InferOutput<V>, K>
export function topic<In = Uint8Array, K = string>(
  name: string,
  options?: {
    readonly value?: Serde<In>
    readonly key?: (value: In) => K | null
    readonly keySerde?: Serde<K>
  },
): Topic<In, In, K>
export function topic<In, K>(name: string, options: TopicOptions<In, K> = {}): Topic<In, unknown, K> {
  checkTopicName(name)
  return {
    name,
    key: options.key,
    keySerde: options.keySerde ?? (string() as unknown as Serde<K>),
    codec: codecOf((options.value ?? bytes()) as Serde<unknown> | StandardSchemaV1, name),
  }
}

/** A name becomes a topic of bytes with text keys. */
export function topicOf(like: TopicLike): AnyTopic {
  return typeof like === 'string' ? topic(like) : like
}

const NAME = /^[A-Za-z0-9._-]{1,249}$/

/** The names that Kafka and Kinesis both take. */
export function checkTopicName(name: string): void {
  if (NAME.test(name) && name !== '.' && name !== '..') return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `"${name}" is no topic name: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
  )
}
