import type { Position } from './position.ts'

/** What went wrong, the same on every backend. */
export type StreamErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'UNAVAILABLE'
  | 'THROTTLED'
  | 'TIMEOUT'
  | 'FENCED'
  | 'POSITION_EXPIRED'
  | 'RECORD_TOO_LARGE'
  | 'PARTIAL_FAILURE'
  | 'UNSUPPORTED'
  | 'CLOSED'
  | 'INTERNAL'

const RETRYABLE: ReadonlySet<StreamErrorCode> = new Set(['UNAVAILABLE', 'THROTTLED', 'TIMEOUT'])

export interface StreamErrorOptions {
  /** Whether the same call may succeed later. Default: true for UNAVAILABLE, THROTTLED and TIMEOUT. */
  retryable?: boolean
  topic?: string | undefined
  partition?: string | undefined
  position?: Position | undefined
  cause?: unknown
}

/** The one error that millrace throws. Its message ends with the likely remedy. */
export class StreamError extends Error {
  override readonly name: string = 'StreamError'
  readonly code: StreamErrorCode
  readonly retryable: boolean
  readonly topic?: string
  readonly partition?: string
  readonly position?: Position

  constructor(code: StreamErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? RETRYABLE.has(code)
    if (options.topic !== undefined) this.topic = options.topic
    if (options.partition !== undefined) this.partition = options.partition
    if (options.position !== undefined) this.position = options.position
  }
}

/** What became of one record of a `sendBatch` that failed in part. */
export type RecordOutcome = { partition: string; position: Position } | { error: StreamError }

/** Some records of one call failed; `outcomes[i]` tells what became of record `i`. */
export class PartialFailureError extends StreamError {
  override readonly name = 'PartialFailureError'
  readonly outcomes: readonly RecordOutcome[]

  constructor(message: string, outcomes: readonly RecordOutcome[], options: StreamErrorOptions = {}) {
    super('PARTIAL_FAILURE', message, options)
    this.outcomes = outcomes
  }
}

/**
 * Bytes that do not decode, or a value that its schema refuses. Retrying is useless: the consumer treats the
 * record as poison at once. Code INVALID_ARGUMENT.
 */
export class DecodeError extends StreamError {
  override readonly name = 'DecodeError'
  /** `key` or `value`: the part that did not decode. */
  readonly part: 'key' | 'value'

  constructor(part: 'key' | 'value', message: string, options: StreamErrorOptions = {}) {
    super('INVALID_ARGUMENT', message, { ...options, retryable: false })
    this.part = part
  }
}
