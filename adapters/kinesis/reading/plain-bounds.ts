import { type From, StreamError, type Until } from '../../../src/driver.ts'
import { type Place, parseCheckpoint, parsePosition, type ResumePoint } from '../positions.ts'

/** Where to begin, as a resume point; `bare` where its user knows that a record stands there and nothing else is known of it. */
export interface PlainStart {
  readonly point: ResumePoint
  /** The place that was named. */
  readonly bare: Place | undefined
}

/** Where to end: the end as it stands, a place that is not read any more, or a time. */
export type PlainUntil = 'now' | { readonly before: Place } | { readonly timestamp: number }

/** INVALID_ARGUMENT for what is no start. */
export function toPlainStart(start: { readonly checkpoint: string } | { readonly from: From }): PlainStart {
  if ('checkpoint' in start) return { point: parseCheckpoint(start.checkpoint), bare: undefined }
  const { from } = start
  if (from === 'earliest' || from === 'latest') return { point: { kind: from }, bare: undefined }
  if (typeof from === 'object' && from !== null) {
    if ('at' in from) return behind(parsePosition(from.at), -1)
    if ('after' in from) return behind(parsePosition(from.after), 0)
    if ('timestamp' in from) {
      return { point: { kind: 'time', timestamp: parseTimestamp(from.timestamp) }, bare: undefined }
    }
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
    if ('at' in until) return { before: parsePosition(until.at) }
    if ('after' in until) {
      const { sequence, sub } = parsePosition(until.after)
      return { before: { sequence, sub: sub + 1 } }
    }
    if ('timestamp' in until) return { timestamp: parseTimestamp(until.timestamp) }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(until)} is no place to end: give 'now', { at }, { after } or { timestamp }`,
  )
}

function behind(bare: Place, by: number): PlainStart {
  const { sequence, sub } = bare
  return { point: { kind: 'after', sequence, sub: sub + by, arrival: undefined }, bare }
}

function parseTimestamp(timestamp: number | Date): number {
  const ms = Math.ceil(Number(timestamp))
  if (Number.isSafeInteger(ms)) return Math.max(0, ms)
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${String(timestamp)} is no time: give milliseconds since 1970, or a valid Date`,
  )
}
