import { StreamError } from '../errors.ts'
import type { From } from '../position.ts'
import { type AnyTopic, topicOf } from '../topic.ts'
import type { ConsumerOptions } from './options.ts'

/** A consumer's options, checked, with their defaults. */
export interface ConsumerSettings {
  readonly group: string
  readonly topics: ReadonlyMap<string, AnyTopic>
  readonly from: From
  /** Undefined: by hand. */
  readonly checkpointIntervalMs: number | undefined
  readonly checkpointRecords: number
  readonly sessionTimeoutMs: number
  readonly drainTimeoutMs: number
  readonly fetchMaxBytes: number
  readonly maxBufferedBytes: number
  readonly maxBufferedRecords: number
  readonly clientId: string
  readonly instanceId: string | undefined
}

const NAME = /^[A-Za-z0-9._-]{1,249}$/

/** Throws INVALID_ARGUMENT naming the option. */
export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  if (!NAME.test(options.group)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `"${options.group}" is no group name: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
    )
  }
  if (options.instanceId !== undefined && !NAME.test(options.instanceId)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `"${options.instanceId}" is no instanceId: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
    )
  }
  if (options.topics.length === 0)
    throw new StreamError('INVALID_ARGUMENT', 'topics is empty: name at least one.')
  const strategy = options.checkpoint ?? {}
  const topics = options.topics.map(topicOf)
  return {
    group: options.group,
    topics: new Map(topics.map((topic) => [topic.name, topic])),
    from: options.from ?? 'earliest',
    checkpointIntervalMs:
      strategy === 'manual' ? undefined : atLeast(1, 'checkpoint.intervalMs', strategy.intervalMs ?? 1_000),
    checkpointRecords:
      strategy === 'manual' ? Infinity : atLeast(1, 'checkpoint.records', strategy.records ?? Infinity),
    sessionTimeoutMs: atLeast(100, 'sessionTimeoutMs', options.sessionTimeoutMs ?? 10_000),
    drainTimeoutMs: atLeast(0, 'drainTimeoutMs', options.drainTimeoutMs ?? 5_000),
    fetchMaxBytes: atLeast(1, 'fetchMaxBytes', options.fetchMaxBytes ?? 1 << 20),
    maxBufferedBytes: atLeast(1, 'maxBufferedBytes', options.maxBufferedBytes ?? 32 << 20),
    maxBufferedRecords: atLeast(1, 'maxBufferedRecords', options.maxBufferedRecords ?? 100_000),
    instanceId: options.instanceId,
    clientId: options.clientId ?? `millrace-${process.pid}`,
  }
}

/** Throws INVALID_ARGUMENT naming the option and its bound. */
export function atLeast(bound: number, name: string, value: number): number {
  if (value >= bound) return value
  throw new StreamError('INVALID_ARGUMENT', `${name} is ${value}: give a number of at least ${bound}.`)
}
