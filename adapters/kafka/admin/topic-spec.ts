import { StreamError, type TopicSpec } from '../../../src/driver.ts'
import type { CreateTopicsRequest } from '../wire/protocol/create-topics.ts'
import { RECORD_OVERHEAD_BYTES } from './topic-settings.ts'

/** Not a topic's setting for Kafka, but asked for with it. */
const REPLICATION_FACTOR = 'replication.factor'

/** A new topic in Kafka's words. INVALID_ARGUMENT for what makes no sense; what Kafka's own settings may be, the broker knows. */
export function toCreateTopic(spec: TopicSpec): CreateTopicsRequest['topics'][number] {
  const { name, partitions = 1, retentionMs, retentionBytes, compacted, maxRecordBytes, compression } = spec
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `'${name}' is no name for a topic: use 1 to 249 of A-Z a-z 0-9 . _ -, but not . or ..`,
    )
  }
  whole('partitions', partitions)
  const { [REPLICATION_FACTOR]: replication, ...own } = spec.settings ?? {}
  const settings: [string, string][] = []
  if (retentionMs !== undefined) settings.push(['retention.ms', bound('retentionMs', retentionMs)])
  if (retentionBytes !== undefined)
    settings.push(['retention.bytes', bound('retentionBytes', retentionBytes)])
  if (compacted !== undefined) settings.push(['cleanup.policy', compacted ? 'compact' : 'delete'])
  if (maxRecordBytes !== undefined) {
    const bytes = whole('maxRecordBytes', maxRecordBytes) + RECORD_OVERHEAD_BYTES
    settings.push(['max.message.bytes', String(bytes)])
  }
  if (compression !== undefined) {
    settings.push(['compression.type', compression === 'none' ? 'uncompressed' : compression])
  }
  return {
    name,
    partitions,
    replicationFactor: replication === undefined ? -1 : whole(REPLICATION_FACTOR, Number(replication)),
    // The caller's own words win, as the more exact ones.
    settings: [...settings.filter(([setting]) => !(setting in own)), ...Object.entries(own)],
  }
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new StreamError('INVALID_ARGUMENT', `${name} ${value}: give a whole number above 0`)
}

/** Infinity is no bound. */
function bound(name: string, value: number): string {
  return value === Number.POSITIVE_INFINITY ? '-1' : String(whole(name, value))
}
