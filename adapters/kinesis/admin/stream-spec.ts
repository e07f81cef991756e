import type { CreateStreamInput } from '@aws-sdk/client-kinesis'
import { StreamError, type TopicSpec } from '../../../src/driver.ts'
import { MAX_RECORD_BYTES_TAG } from '../shards/record-limit.ts'

const KIB = 1_024
const MIN_LIMIT_KIB = 1_024
const MAX_LIMIT_KIB = 10 * 1_024
const HOUR_MS = 3_600_000
const MIN_RETENTION_HOURS = 24
const MAX_RETENTION_HOURS = 8_760

/** A new stream in the service's words, and what has to be asked for after it was created. */
export interface NewStream {
  readonly input: CreateStreamInput
  /** Undefined: the service's 24. */
  readonly retentionHours: number | undefined
  /** Undefined: the service's 1,024. */
  readonly maxRecordKiB: number | undefined
  /** What is kept as a tag; undefined: none is needed. Bytes. */
  readonly recordLimit: number | undefined
}

/** INVALID_ARGUMENT for what makes no sense, UNSUPPORTED for what Kinesis has not. */
export function toNewStream(spec: TopicSpec): NewStream {
  const { name, partitions = 1, retentionMs, maxRecordBytes } = spec
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(name) || name === '.' || name === '..') {
    throw invalid(
      `'${name}' is no name for a stream: use 1 to 128 of A-Z a-z 0-9 . _ -, but not . or ..`,
      name,
    )
  }
  whole('partitions', partitions, name)
  refuseWhatKinesisHasNot(spec)
  const { mode = 'provisioned', ...unknown } = spec.settings ?? {}
  const [other] = Object.keys(unknown)
  if (other !== undefined)
    throw invalid(`topic '${name}': unknown setting ${other}: Kinesis knows mode`, name)
  if (mode !== 'provisioned' && mode !== 'on-demand') {
    throw invalid(`topic '${name}': mode=${mode}: give provisioned or on-demand`, name)
  }
  const limit = maxRecordBytes === undefined ? undefined : whole('maxRecordBytes', maxRecordBytes, name)
  const limitKiB = limit === undefined ? MIN_LIMIT_KIB : Math.ceil(limit / KIB)
  if (limitKiB > MAX_LIMIT_KIB) {
    throw invalid(
      `maxRecordBytes ${limit}: Kinesis takes records of up to ${MAX_LIMIT_KIB * KIB} bytes`,
      name,
    )
  }
  const recordLimit = limit === MIN_LIMIT_KIB * KIB ? undefined : limit
  return {
    input: {
      StreamName: name,
      StreamModeDetails: { StreamMode: mode === 'on-demand' ? 'ON_DEMAND' : 'PROVISIONED' },
      // An on-demand stream begins with what the service thinks right, and is asked for no number.
      ...(mode === 'on-demand' ? {} : { ShardCount: partitions }),
      ...(recordLimit === undefined ? {} : { Tags: { [MAX_RECORD_BYTES_TAG]: String(recordLimit) } }),
    },
    retentionHours: retentionMs === undefined ? undefined : hours(retentionMs, name),
    maxRecordKiB: limitKiB > MIN_LIMIT_KIB ? limitKiB : undefined,
    recordLimit,
  }
}

function refuseWhatKinesisHasNot({ name, compacted, compression, retentionBytes }: TopicSpec): void {
  const refused =
    compacted === true
      ? 'compaction'
      : compression !== undefined && compression !== 'none'
        ? 'compression'
        : retentionBytes !== undefined
          ? 'retention by size'
          : undefined
  if (refused === undefined) return
  throw new StreamError(
    'UNSUPPORTED',
    `topic '${name}': Kinesis has no ${refused}: leave it out, or use another backend`,
    {
      topic: name,
    },
  )
}

function hours(retentionMs: number, name: string): number {
  const found = Math.ceil(retentionMs / HOUR_MS)
  if (found >= MIN_RETENTION_HOURS && found <= MAX_RETENTION_HOURS) return found
  throw invalid(
    `retentionMs ${retentionMs}: Kinesis keeps records for ${MIN_RETENTION_HOURS} to ${MAX_RETENTION_HOURS} hours`,
    name,
  )
}

function whole(what: string, value: number, topic: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(`${what} ${value}: give a whole number above 0`, topic)
}

function invalid(message: string, topic: string): StreamError {
  return new StreamError('INVALID_ARGUMENT', message, { topic })
}
