import { type Checkpoint, type Position, StreamError } from '../../src/driver.ts'

/**
 * Where a record stands in its shard: the service's sequence number, and the place inside an aggregate. `sub` is 0 for a record
 * that stands alone. Written `sequence` or `sequence/sub`.
 */
export interface Place {
  /** Decimal digits without leading zeros; sparse, so nothing can be counted by it. */
  readonly sequence: string
  readonly sub: number
}

/** Where a shard is resumed. In the order of the sentinels of KCL's lease table. */
export type ResumePoint =
  /** The first record whose timestamp is that or later, be it the producer's or its arrival. Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly timestamp: number }
  | { readonly kind: 'earliest' }
  /** What arrived at `since` or later, milliseconds since the epoch; without it, as a KCL application leaves it: from now on. */
  | { readonly kind: 'latest'; readonly since?: number }
  /**
   * Behind this place. With `sub` -1 all of `sequence` is still to come. `arrival`: nothing else had arrived by then, by which it is
   * found out whether the place has left retention; milliseconds since the epoch, undefined where unknown.
   */
  | {
      readonly kind: 'after'
      readonly sequence: string
      readonly sub: number
      readonly arrival: number | undefined
    }
  /** All of the shard was read. */
  | { readonly kind: 'end' }

const PLACE = /^(\d{1,128})(?:\/(\d{1,9}))?$/
const CHECKPOINT = /^(\d{1,128})\/(-1|\d{1,9})(?:@(\d{1,15}))?$/
const TIME = /^AT_TIMESTAMP@(\d{1,15})$/
const SINCE = /^LATEST@(\d{1,15})$/

export function formatPosition(sequence: string, sub: number): Position {
  return sub === 0 ? sequence : `${sequence}/${sub}`
}

/** Throws INVALID_ARGUMENT. */
export function parsePosition(position: Position): Place {
  const match = typeof position === 'string' ? PLACE.exec(position) : null
  if (match === null) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(position)} is no position on Kinesis: use one that a record came with, such as "4964…" or "4964…/3"`,
    )
  }
  return { sequence: plain(match[1]!), sub: Number(match[2] ?? 0) }
}

/** Below 0, 0, above 0 as the sequence number `a` comes before, is or comes after `b`. */
export function compareSequences(a: string, b: string): number {
  return a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length
}

export function comparePlaces(a: Place, b: Place): number {
  return compareSequences(a.sequence, b.sequence) || a.sub - b.sub
}

/** Throws INVALID_ARGUMENT on what is no position. */
export const comparePositions = (a: Position, b: Position): number =>
  comparePlaces(parsePosition(a), parsePosition(b))

export function formatCheckpoint(point: ResumePoint): Checkpoint {
  switch (point.kind) {
    case 'time':
      return `AT_TIMESTAMP@${point.timestamp}`
    case 'earliest':
      return 'TRIM_HORIZON'
    case 'latest':
      return point.since === undefined ? 'LATEST' : `LATEST@${point.since}`
    case 'end':
      return 'SHARD_END'
    case 'after':
      return `${point.sequence}/${point.sub}${point.arrival === undefined ? '' : `@${point.arrival}`}`
  }
}

/** Throws INVALID_ARGUMENT. */
export function parseCheckpoint(checkpoint: Checkpoint): ResumePoint {
  if (checkpoint === 'TRIM_HORIZON') return { kind: 'earliest' }
  if (checkpoint === 'LATEST') return { kind: 'latest' }
  if (checkpoint === 'SHARD_END') return { kind: 'end' }
  const time = TIME.exec(checkpoint)
  if (time !== null) return { kind: 'time', timestamp: Number(time[1]) }
  const since = SINCE.exec(checkpoint)
  if (since !== null) return { kind: 'latest', since: Number(since[1]) }
  const match = CHECKPOINT.exec(checkpoint)
  if (match === null) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(checkpoint)} is no checkpoint on Kinesis: use one that this adapter made`,
    )
  }
  return {
    kind: 'after',
    sequence: plain(match[1]!),
    sub: Number(match[2]),
    arrival: match[3] === undefined ? undefined : Number(match[3]),
  }
}

const plain = (digits: string): string => digits.replace(/^0+(?=\d)/, '')
