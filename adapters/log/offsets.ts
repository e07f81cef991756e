import { type From, StreamError, type Until } from '../../src/driver.ts'
import type { PlainFrom } from './broker/broker-api.ts'

/**
 * A position or checkpoint of the log as a number: the offset of a record, or of the next one. INVALID_ARGUMENT where it is
 * not the decimal number that this adapter writes.
 */
export function parseOffset(position: unknown): number {
  if (typeof position === 'string' && /^(0|[1-9]\d{0,15})$/.test(position)) {
    const offset = Number(position)
    if (Number.isSafeInteger(offset)) return offset
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(position)} is no position of a log: those are offsets like '0' or '1042', use one that a record came with`,
  )
}

export function parseTimestamp(timestamp: number | Date): number {
  const ms = Math.ceil(Number(timestamp))
  if (Number.isSafeInteger(ms)) return Math.max(0, ms)
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${String(timestamp)} is no time: give milliseconds since 1970, or a valid Date`,
  )
}

/** INVALID_ARGUMENT for what is no `From`. */
export function toPlainFrom(from: From): PlainFrom {
  if (from === 'earliest' || from === 'latest') return from
  if (typeof from === 'object' && from !== null) {
    if ('at' in from) return { at: parseOffset(from.at) }
    if ('after' in from) return { after: parseOffset(from.after) }
    if ('timestamp' in from) return { timestamp: parseTimestamp(from.timestamp) }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(from)} is no place to begin: give 'earliest', 'latest', { at }, { after } or { timestamp }`,
  )
}

/** The end of a range: an offset that is not read any more, a time, or the end as it stands. INVALID_ARGUMENT for what is no `Until`. */
export function toPlainUntil(
  until: Until,
): 'now' | { readonly before: number } | { readonly timestamp: number } {
  if (until === 'now') return until
  if (typeof until === 'object' && until !== null) {
    if ('at' in until) return { before: parseOffset(until.at) }
    if ('after' in until) return { before: parseOffset(until.after) + 1 }
    if ('timestamp' in until) return { timestamp: parseTimestamp(until.timestamp) }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(until)} is no place to end: give 'now', { at }, { after } or { timestamp }`,
  )
}
