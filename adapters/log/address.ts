import { StreamError } from '../../src/driver.ts'
import type { TopicSettings } from './broker/topics/topic-settings.ts'
import type { FsyncMode } from './storage/partition-log.ts'
import { positive, toCompression } from './topic-spec.ts'

/** A parsed address of a log. */
export interface LogAddress {
  /** The folder, or the name of a log in memory. */
  readonly path: string
  readonly fsync: FsyncMode
  /** For topics that are created without saying otherwise. */
  readonly topic: TopicSettings
}

export const DEFAULT_TOPIC: TopicSettings = {
  retentionMs: null,
  retentionBytes: null,
  compacted: false,
  maxRecordBytes: 1024 * 1024,
  compression: 'none',
  segmentBytes: 128 * 1024 * 1024,
}

const DEFAULT_FSYNC: FsyncMode = { intervalMs: 1000 }
const TOPIC_PARAMETERS = ['compression', 'maxRecordBytes', 'retentionBytes', 'retentionMs', 'segmentBytes']

/**
 * Parses `log:DIR?fsync=…&compression=…&maxRecordBytes=…&retentionBytes=…&retentionMs=…&segmentBytes=…`, and `memory:NAME`
 * with the same parameters but `fsync`. The folder is taken as it stands: nothing in it is decoded. INVALID_ARGUMENT.
 */
export function parseAddress(address: string, scheme: 'log' | 'memory'): LogAddress {
  if (!address.startsWith(`${scheme}:`)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `'${address}' is no address of this adapter: it begins with ${scheme}:`,
    )
  }
  const mark = address.indexOf('?')
  const path = address.slice(scheme.length + 1, mark < 0 ? undefined : mark)
  const parameters = new Map(new URLSearchParams(mark < 0 ? '' : address.slice(mark + 1)))
  const known = scheme === 'log' ? ['fsync', ...TOPIC_PARAMETERS] : TOPIC_PARAMETERS
  const unknown = [...parameters.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `'${address}' has the unknown parameter ${unknown}: ${scheme}: knows ${known.join(', ')}`,
    )
  }
  if (scheme === 'log' && path === '') {
    throw new StreamError('INVALID_ARGUMENT', `'${address}' names no folder: give one, as in log:./data`)
  }
  const number = (name: string): number | undefined => {
    const value = parameters.get(name)
    return value === undefined ? undefined : positive(name, Number(value))
  }
  const fsync = parameters.get('fsync')
  const compression = parameters.get('compression')
  return {
    path,
    fsync: fsync === undefined ? DEFAULT_FSYNC : parseFsync(fsync),
    topic: {
      ...DEFAULT_TOPIC,
      retentionMs: number('retentionMs') ?? DEFAULT_TOPIC.retentionMs,
      retentionBytes: number('retentionBytes') ?? DEFAULT_TOPIC.retentionBytes,
      maxRecordBytes: number('maxRecordBytes') ?? DEFAULT_TOPIC.maxRecordBytes,
      segmentBytes: number('segmentBytes') ?? DEFAULT_TOPIC.segmentBytes,
      compression: compression === undefined ? DEFAULT_TOPIC.compression : toCompression(compression),
    },
  }
}

function parseFsync(value: string): FsyncMode {
  if (value === 'batch' || value === 'never') return value
  const intervalMs = Number(/^(\d+)ms$/.exec(value)?.[1])
  if (intervalMs >= 1 && intervalMs <= 0x7fffffff) return { intervalMs }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `fsync=${value}: give batch (before each acknowledgement), never, or an interval like 1000ms`,
  )
}
