import type { CompressionName } from '../../../src/formats/compression.ts'
import { COMPRESSION_NAMES } from '../../../src/formats/compression.ts'
import { errorOf, KafkaError } from '../wire/error-codes.ts'
import { describeConfigs, type ResourceConfig } from '../wire/protocol/describe-configs.ts'
import type { KafkaWire } from '../wire/wire.ts'

/** What the adapter must know of a topic's configuration. */
export interface TopicSettings {
  /** Of one batch. */
  readonly maxMessageBytes: number
  /** Undefined: as the producer likes. */
  readonly compression: CompressionName | undefined
  /** Undefined: for ever. */
  readonly retentionMs: number | undefined
  readonly retentionBytes: number | undefined
  readonly compacted: boolean
  /** Those that were set for this topic, by Kafka's names. */
  readonly own: Readonly<Record<string, string>>
}

/** What a batch and a record add to key, value and header names and values; many headers add more (`encodedSize`). */
export const RECORD_OVERHEAD_BYTES = 128

/** A broker that hangs is left for another one. Milliseconds. */
const REQUEST_MS = 5_000

const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** Reads a topic's configuration. Where this user may not see it, Kafka's defaults are taken. Rejects NOT_FOUND. */
export async function readTopicSettings(wire: KafkaWire, topic: string): Promise<TopicSettings> {
  const request = { type: 'topic', names: [topic] } as const
  const [config] = await wire.request({ kind: 'any' }, describeConfigs, request, { timeoutMs: REQUEST_MS })
  const code = config?.errorCode ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  if (code === KafkaError.TOPIC_AUTHORIZATION_FAILED) return toSettings([])
  if (code !== KafkaError.NONE) {
    const detail = config?.errorMessage ?? null
    throw errorOf(code, `reading the settings of topic '${topic}'`, { topic, detail })
  }
  return toSettings(config!.entries)
}

function toSettings(entries: ResourceConfig['entries']): TopicSettings {
  const values = new Map(entries.map(({ name, value }) => [name, value ?? '']))
  const bound = (name: string): number | undefined => {
    const value = Number(values.get(name) ?? -1)
    return value >= 0 ? value : undefined
  }
  const compression = values.get('compression.type')
  return {
    maxMessageBytes: Number(values.get('max.message.bytes') ?? DEFAULT_MAX_MESSAGE_BYTES),
    compression:
      compression === 'uncompressed' ? 'none' : COMPRESSION_NAMES.find((name) => name === compression),
    retentionMs: bound('retention.ms'),
    retentionBytes: bound('retention.bytes'),
    compacted: (values.get('cleanup.policy') ?? '').split(',').includes('compact'),
    own: Object.fromEntries(entries.filter(({ own }) => own).map(({ name, value }) => [name, value ?? ''])),
  }
}
