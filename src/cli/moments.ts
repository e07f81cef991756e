import type { From, Position, Until } from '../index.ts'
import { UsageError } from './failure.ts'

/** Where reading starts, as the command line has it: one place for all partitions, or one for each named. */
export interface Start {
  readonly from: From | undefined
  readonly starts: Readonly<Record<string, From | 'end'>> | undefined
}

const FORMS =
  'earliest, latest, a time (2026-01-31T12:00Z, -1h, now), @POSITION, @POSITION+ for after it, or 0=@17+,1=earliest for single partitions'

/** Reads `--from`. */
export function parseStart(text: string, now = Date.now()): Start {
  if (!/^[^=,@]+=/.test(text)) return { from: parseFrom(text, now), starts: undefined }
  const starts: Record<string, From | 'end'> = {}
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    const partition = part.slice(0, at)
    if (at < 1 || partition in starts) throw new UsageError(`"${part}" in "${text}" is no PARTITION=START`)
    const start = part.slice(at + 1)
    starts[partition] = start === 'end' ? 'end' : parseFrom(start, now)
  }
  return { from: undefined, starts }
}

/** Reads one start, also for `groups seek --to`. */
export function parseFrom(text: string, now = Date.now()): From {
  if (text === 'earliest' || text === 'latest') return text
  return parsePlace(text) ?? { timestamp: parseTime(text, now) }
}

/** Reads `--until`. Positions and times are exclusive, `@POSITION+` is inclusive. */
export function parseUntil(text: string, now = Date.now()): Until {
  if (text === 'now') return 'now'
  return parsePlace(text) ?? { timestamp: parseTime(text, now) }
}

function parsePlace(text: string): { at: Position } | { after: Position } | undefined {
  if (!text.startsWith('@')) return undefined
  const after = text.endsWith('+')
  const position = text.slice(1, after ? -1 : undefined)
  if (position === '') throw new UsageError(`"${text}" has no position: write ${FORMS}`)
  return after ? { after: position } : { at: position }
}

function parseTime(text: string, now: number): number {
  if (text === 'now') return now
  if (/^-\d/.test(text)) return now - parseDuration(text.slice(1))
  // a date without zone would mean another moment on another machine
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text)
  const time = iso ? Date.parse(iso[4] || !iso[1] ? text : `${text}Z`) : Number.NaN
  if (Number.isNaN(time)) throw new UsageError(`"${text}" is no place in a stream: write ${FORMS}`)
  return time
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Reads `1h30m`, `90s`, `7d`; milliseconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new UsageError(`"${text}" is no duration: write 500ms, 90s, 30m, 1h30m, 7d or 2w`)
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0)
}

/** Reads `64KiB`, `10MB`, `1048576`; bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?$/i.exec(text)
  if (!match) throw new UsageError(`"${text}" is no size: write 1048576, 64KiB, 10MB or 2GiB`)
  const power = match[2] === undefined ? 0 : 'kmgt'.indexOf(match[2].toLowerCase()) + 1
  return Math.round(Number(match[1]) * (match[3] ? 1024 : 1000) ** power)
}

/** Reads a whole number of at least `least`. */
export function parseCount(text: string, least = 1): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < least || !Number.isSafeInteger(count)) {
    throw new UsageError(`"${text}" is no whole number of ${least} or more`)
  }
  return count
}

/** Reads `10x`, `0.5x` or `max`, which is undefined. */
export function parseSpeed(text: string): number | undefined {
  if (text === 'max') return undefined
  const match = /^(\d+(?:\.\d+)?)x?$/.exec(text)
  if (!match || Number(match[1]) === 0) throw new UsageError(`"${text}" is no speed: write 10x, 0.5x or max`)
  return Number(match[1])
}

/** Writes a start so that `parseStart` reads it: where to go on after what was read. */
export function resumeStart(starts: ReadonlyMap<string, From>): string {
  return [...starts].map(([partition, from]) => `${partition}=${placeText(from)}`).join(',')
}

function placeText(from: From): string {
  if (typeof from === 'string') return from
  if ('at' in from) return `@${from.at}`
  if ('after' in from) return `@${from.after}+`
  return new Date(from.timestamp).toISOString()
}
