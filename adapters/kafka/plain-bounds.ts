import { type From, StreamError, type Until } from '../../src/driver.ts'
import { parseOffset } from './offsets.ts'

/** Where to begin, by offset or by time. */
export type PlainFrom = 'earliest' | 'latest' | { readonly offset: number } | { readonly timestamp: number }

/** Where to end: the end as it stands, an offset that is not read any more, or a time. */
export type PlainUntil = 'now' | { readonly before: number } | { readonly timestamp: number }

/** INVALID_ARGUMENT for what is no `From`. */
export function toPlainFrom(from: From): PlainFrom {
  if (from === 'earliest' || from === 'latest') return from
  if (typeof from === 'object' && from !== null) {
    if ('at' in from) return { offset: parseOffset(from.at) }
    if ('after' in from) return { offset: parseOffset(from.after) + 1 }
    if ('timestamp' in from) return { timestamp: parseTimestamp(from.timestamp) }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(from)} is no place to begin: give 'earliest', 'latest', { at }, { after } or { timestamp }`,
  )
}

/** INVALID_ARGUMENT for what is no `Until`. */
export function toPlainUntil(until: Until): PlainUntil {
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

function parseTimestamp(timestamp: number | Date): number {
  const ms = Math.ceil(Number(timestamp))
  if (Number.isSafeInteger(ms)) return Math.max(0, ms)
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${String(timestamp)} is no time: give milliseconds since 1970, or a valid Date`,
  )
}
