import type { Header } from '../../index.ts'
import { type Encoding, type LineRecord, RECORD_MEMBERS } from './line-record.ts'
import { rawMembers } from './raw-json.ts'

/** Half a surrogate pair: text that UTF-8 cannot hold. */
export const HALF_PAIR = /\p{Surrogate}/u

/** What is wrong with a line, without its number: the reader adds that. */
export class LineError extends Error {
  override readonly name = 'LineError'
  readonly code: 'INVALID_ARGUMENT' | 'RECORD_TOO_LARGE'

  constructor(message: string, code: 'INVALID_ARGUMENT' | 'RECORD_TOO_LARGE' = 'INVALID_ARGUMENT') {
    super(message)
    this.code = code
  }
}

/** Whether a line of JSON can be nothing but a record: it has a value or is a tombstone, and no member that records lack. */
export function looksLikeRecord(text: string): boolean {
  const members = rawMembers(text)
  if (members === undefined || !(members.has('value') || members.has('tombstone'))) return false
  return [...members.keys()].every((name) => RECORD_MEMBERS.has(name))
}

/** The record that a line writes; the inverse of `encodeLine`. Throws `LineError`. */
export function decodeLine(text: string): LineRecord {
  parseJson(text)
  const members = rawMembers(text)
  if (members === undefined) {
    throw new LineError(
      'not a record, which is an object with "value". Plain values are sent with millrace produce --values',
    )
  }
  for (const name of members.keys()) {
    if (RECORD_MEMBERS.has(name)) continue
    throw new LineError(
      `"${name}" is no member of a record (${[...RECORD_MEMBERS].join(', ')}). Plain values are sent with millrace produce --values`,
    )
  }
  return {
    key: decodeKey(members),
    value: decodeValue(members),
    headers: decodeHeaders(members.get('headers')),
    timestamp: decodeTimestamp(members.get('timestamp')),
    partition: decodeName(members, 'partition'),
    position: decodeName(members, 'position'),
  }
}

/** Parses a line and words the parser's complaint for a line of a file. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = (error as Error).message.replace(/ in JSON at position (\d+).*$/s, (_, at) => {
      return ` at column ${Number(at) + 1}`
    })
    throw new LineError(`not JSON: ${message}`)
  }
}

function decodeKey(members: ReadonlyMap<string, string>): Uint8Array | null {
  const raw = members.get('key')
  const encoding = encodingOf(members, 'keyEncoding')
  if (raw === undefined || (raw === 'null' && encoding !== 'json')) return null
  if (encoding === 'json') return Buffer.from(raw)
  if (encoding === undefined && !raw.startsWith('"')) {
    // a number or boolean is taken as it is written; what an object as a key should be is not ours to guess
    if (/^[[{]/.test(raw)) throw new LineError('"key" is an object or array: say "keyEncoding":"json"')
    return Buffer.from(raw)
  }
  return decodeString(raw, encoding ?? 'text', 'key')
}

function decodeValue(members: ReadonlyMap<string, string>): Uint8Array | null {
  const raw = members.get('value')
  const tombstone = members.get('tombstone')
  if (tombstone !== undefined && tombstone !== 'true' && tombstone !== 'false') {
    throw new LineError('"tombstone" is true or false')
  }
  if (tombstone === 'true') {
    if (raw !== undefined && raw !== 'null') throw new LineError('a tombstone has no "value"')
    return null
  }
  if (raw === undefined) {
    throw new LineError(
      'no "value". A tombstone says "tombstone":true; plain values are sent with millrace produce --values',
    )
  }
  const encoding = encodingOf(members, 'valueEncoding') ?? 'json'
  return encoding === 'json' ? Buffer.from(raw) : decodeString(raw, encoding, 'value')
}

function encodingOf(members: ReadonlyMap<string, string>, name: string): Encoding | undefined {
  const raw = members.get(name)
  if (raw === undefined) return undefined
  if (raw === '"json"' || raw === '"text"' || raw === '"base64"') return raw.slice(1, -1) as Encoding
  throw new LineError(`"${name}" is json, text or base64, not ${raw}`)
}

function decodeString(raw: string, encoding: 'text' | 'base64', what: string): Uint8Array {
  const text: unknown = JSON.parse(raw)
  if (typeof text !== 'string') throw new LineError(`"${what}" in ${encoding} is a string, not ${raw}`)
  return bytesOf(text, encoding, what)
}

function bytesOf(text: string, encoding: 'text' | 'base64', what: string): Uint8Array {
  if (encoding === 'text') {
    if (HALF_PAIR.test(text))
      throw new LineError(`"${what}" has half a surrogate pair, which UTF-8 cannot hold`)
    return Buffer.from(text)
  }
  // Buffer.from ignores what is not base64; bytes would be lost in silence
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new LineError(`"${what}" is not base64`)
  }
  return Buffer.from(text, 'base64')
}

function decodeHeaders(raw: string | undefined): readonly Header[] {
  if (raw === undefined || raw === 'null') return []
  const parsed: unknown = JSON.parse(raw)
  if (typeof parsed !== 'object' || parsed === null) throw new LineError('"headers" is an object or a list')
  if (!Array.isArray(parsed)) {
    return Object.entries(parsed).map(([name, value]) => decodeHeader(name, value, undefined))
  }
  return parsed.map((header: unknown) => {
    if (typeof header !== 'object' || header === null || !('name' in header) || !('value' in header)) {
      throw new LineError('a header in a list is {"name":…,"value":…}')
    }
    if (typeof header.name !== 'string') throw new LineError('the "name" of a header is a string')
    return decodeHeader(header.name, header.value, 'encoding' in header ? header.encoding : undefined)
  })
}

function decodeHeader(name: string, value: unknown, encoding: unknown): Header {
  if (value === null) return { name, value: null }
  if (typeof value !== 'string') throw new LineError(`header "${name}" is a string or null`)
  if (encoding !== undefined && encoding !== 'text' && encoding !== 'base64') {
    throw new LineError(`the "encoding" of header "${name}" is text or base64`)
  }
  return { name, value: bytesOf(value, encoding ?? 'text', `headers.${name}`) }
}

/** Milliseconds since the epoch, or a date in ISO 8601. */
export function decodeTimestamp(raw: string | undefined): number | undefined {
  if (raw === undefined || raw === 'null') return undefined
  const parsed: unknown = JSON.parse(raw)
  const millis = typeof parsed === 'string' && /^\d{4}-\d\d/.test(parsed) ? Date.parse(parsed) : parsed
  if (typeof millis === 'number' && Number.isSafeInteger(millis)) return millis
  throw new LineError(`"timestamp" is milliseconds since 1970 or an ISO 8601 date, not ${raw}`)
}

function decodeName(members: ReadonlyMap<string, string>, name: string): string | undefined {
  const raw = members.get(name)
  if (raw === undefined || raw === 'null') return undefined
  const parsed: unknown = JSON.parse(raw)
  if (typeof parsed === 'string') return parsed
  if (typeof parsed === 'number') return raw
  throw new LineError(`"${name}" is a string`)
}
