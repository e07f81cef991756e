import { type DriverReaderOptions, StreamError, type StreamErrorCode } from '../../../src/driver.ts'
import { formatPosition, type Place } from '../positions.ts'

type Where = Pick<DriverReaderOptions, 'topic' | 'partition'>

const nameOf = ({ topic, partition }: Where): string => `shard ${partition} of '${topic}'`

/** The same error, with the shard that it is about. */
export function placed(error: StreamError, { topic, partition }: Where): StreamError {
  if (error.topic !== undefined && error.partition !== undefined) return error
  const { code, message, retryable, position, cause } = error
  return new StreamError(code, message, { topic, partition, retryable, position, cause: cause ?? error })
}

export function expired(where: Where, place: Place | undefined, cause?: unknown): StreamError {
  const position = place === undefined ? undefined : positionOf(place)
  const what = position === undefined ? 'the place' : `position ${position}`
  return about(
    where,
    'POSITION_EXPIRED',
    `${what} in ${nameOf(where)} has left retention, and what came after it may have too: resume from 'earliest', or keep records longer`,
    position,
    cause,
  )
}

export function beyondEnd(where: Where, place: Place): StreamError {
  return about(
    where,
    'INVALID_ARGUMENT',
    `position ${positionOf(place)} is beyond the end of ${nameOf(where)}: use a position that a record came with`,
    positionOf(place),
  )
}

export function nothingThere(where: Where, place: Place): StreamError {
  return about(
    where,
    'INVALID_ARGUMENT',
    `no record of ${nameOf(where)} stands at position ${positionOf(place)}: use one that a record of that shard came with`,
    positionOf(place),
  )
}

export function noShard(where: Where): StreamError {
  return about(
    where,
    'NOT_FOUND',
    `there is no ${nameOf(where)}: look at its name, or whether retention has removed it`,
  )
}

export function closedReader({ topic, partition }: Where): StreamError {
  return new StreamError('CLOSED', 'the reader is closed: open another one', { topic, partition })
}

function about(
  { topic, partition }: Where,
  code: StreamErrorCode,
  message: string,
  position?: string,
  cause?: unknown,
): StreamError {
  return new StreamError(code, message, { topic, partition, position, cause })
}

const positionOf = ({ sequence, sub }: Place): string => formatPosition(sequence, Math.max(0, sub))
