import { type Checkpoint, StreamError } from '../../src/driver.ts'

/** Where to resume in a partition. */
export interface ResumePoint {
  /** Of the next record. */
  readonly offset: number
  /** The leader epoch under which the record before it was written; -1 where unknown. */
  readonly leaderEpoch: number
}

const PATTERN = /^(0|[1-9]\d{0,15})(?::(\d{1,10}))?$/

/** `offset`, or `offset:epoch` where the leader epoch is known. */
export function formatCheckpoint(offset: number, leaderEpoch: number): Checkpoint {
  return leaderEpoch < 0 ? String(offset) : `${offset}:${leaderEpoch}`
}

/** INVALID_ARGUMENT for what this adapter did not make. */
export function parseCheckpoint(checkpoint: unknown): ResumePoint {
  const match = typeof checkpoint === 'string' ? PATTERN.exec(checkpoint) : null
  const offset = Number(match?.[1])
  const leaderEpoch = match?.[2] === undefined ? -1 : Number(match[2])
  if (match !== null && Number.isSafeInteger(offset) && leaderEpoch < 2 ** 31) return { offset, leaderEpoch }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(checkpoint)} is no checkpoint of Kafka: those are like '1042' or '1042:7', use one that was stored`,
  )
}
