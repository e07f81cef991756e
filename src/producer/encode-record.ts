import { StreamError } from '../errors.ts'
import type { EncodedRecord, Header, HeadersInit } from '../record.ts'
import { encodePart } from '../serde/codec.ts'
import type { AnyTopic } from '../topic.ts'
import type { RecordOptions } from './producer.ts'

const NO_HEADERS: readonly Header[] = []
const NO_OPTIONS: RecordOptions<unknown> = {}

/** A value and its options as bytes. Throws INVALID_ARGUMENT when something does not encode. */
export function encodeRecord(
  topic: AnyTopic,
  value: unknown,
  options: Pick<RecordOptions<unknown>, 'key' | 'headers' | 'timestamp' | 'partition'> = NO_OPTIONS,
): EncodedRecord {
  const key = options.key === undefined ? keyOf(topic, value) : options.key
  return {
    key: key === null ? null : encodePart(topic.keySerde as never, key, 'key', topic.name),
    value: value === null ? null : encodePart(topic.codec.serde as never, value, 'value', topic.name),
    headers: options.headers === undefined ? NO_HEADERS : encodeHeaders(options.headers),
    timestamp: options.timestamp === undefined ? undefined : checkTimestamp(options.timestamp, topic.name),
    partition: options.partition,
  }
}

function keyOf(topic: AnyTopic, value: unknown): unknown {
  if (topic.key === undefined || value === null) return null
  const key: unknown = topic.key(value)
  if (key !== undefined) return key
  throw new StreamError(
    'INVALID_ARGUMENT',
    `the key function of topic "${topic.name}" gave undefined: return a key, or null for none.`,
    { topic: topic.name },
  )
}

function encodeHeaders(headers: HeadersInit): readonly Header[] {
  if (Array.isArray(headers)) return headers as readonly Header[]
  const record = headers as Readonly<Record<string, string | Uint8Array | null>>
  return Object.keys(record).map((name) => {
    const value = record[name] as string | Uint8Array | null
    return { name, value: typeof value === 'string' ? Buffer.from(value) : value }
  })
}

function checkTimestamp(timestamp: number, topic: string): number {
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) return timestamp
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${timestamp} is no timestamp for a record of topic "${topic}": give whole milliseconds since the epoch.`,
    { topic },
  )
}

/** Bytes of key, value and headers: what a topic's `maxRecordBytes` bounds. */
function recordBytes(record: EncodedRecord): number {
  let size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const { name, value } of record.headers) size += Buffer.byteLength(name) + (value?.length ?? 0)
  return size
}

/** Throws RECORD_TOO_LARGE, naming the limit. Returns the record's size. */
export function checkRecordSize(topic: string, record: EncodedRecord, limit: number): number {
  const size = recordBytes(record)
  if (size <= limit) return size
  throw new StreamError(
    'RECORD_TOO_LARGE',
    `a record of ${size} bytes is over the limit of topic "${topic}", ${limit} bytes of key, value and headers: ` +
      `send less, or raise the topic's maxRecordBytes. Nothing of this call was sent.`,
    { topic },
  )
}
