import { StreamError } from '../../index.ts'
import {
  decodeLine,
  decodeTimestamp,
  HALF_PAIR,
  LineError,
  looksLikeRecord,
  parseJson,
} from './decode-line.ts'
import type { LineRecord } from './line-record.ts'
import { type Line, splitLines } from './lines.ts'
import { isSpace, rawAt } from './raw-json.ts'

/** `records`: each line is a record with `value`, `key` and so on. `values`: each line is the value itself. */
export type LineMode = 'records' | 'values'

export interface ReadRecordsOptions {
  /** Default: what the first line looks like decides for all; a later line of the other kind is refused. */
  readonly mode?: LineMode | undefined
  /** Dotted path into the value whose content becomes the key. Default: the record's own key. */
  readonly keyPath?: string | undefined
  /** Dotted path into the value: milliseconds or ISO 8601. Default: the record's own timestamp. */
  readonly timestampPath?: string | undefined
  /** Lines that are read over. Default: 0. */
  readonly skipLines?: number | undefined
  /** Bytes. Default: 64 MiB. */
  readonly maxLineBytes?: number | undefined
  /** A larger record is refused by its line, RECORD_TOO_LARGE. Bytes of key, value and headers. Default: no limit. */
  readonly maxRecordBytes?: number | undefined
  /** Where an earlier reading of the same input stopped; `source` begins there. */
  readonly after?: { readonly number: number; readonly end: number } | undefined
  /** Told once which kind of line it is. */
  readonly onMode?: ((mode: LineMode) => void) | undefined
}

export interface NumberedRecord extends LineRecord {
  readonly line: number
  /** Where in the input the next line begins. */
  readonly end: number
}

/** A line that cannot be sent. What stood before it was given. Code INVALID_ARGUMENT or RECORD_TOO_LARGE. */
export class BadLineError extends StreamError {
  override readonly name = 'BadLineError'
  readonly line: number

  constructor(line: number, { message, code }: LineError) {
    super(code, `line ${line}: ${message}. Correct the line, or drop it.`)
    this.line = line
  }
}

/** Drops the byte order mark that some editors put first. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The records of JSON Lines, as many at once as a chunk of input brings. Empty lines are read over. Throws `BadLineError`. */
export async function* readRecords(
  source: AsyncIterable<Uint8Array>,
  options: ReadRecordsOptions = {},
): AsyncGenerator<NumberedRecord[]> {
  let mode = options.mode
  let number = (options.after?.number ?? 0) + 1
  const maxLineBytes = options.maxLineBytes ?? 64 * 1024 * 1024
  const lines = splitLines(source, { maxLineBytes, ...(options.after && { after: options.after }) })
  try {
    for await (const some of lines) {
      const records: NumberedRecord[] = []
      for (const line of some) {
        number = line.number
        if (line.number <= (options.skipLines ?? 0)) continue
        try {
          const text = textOf(line)
          if (text === '') continue
          if (mode === undefined) {
            parseJson(text)
            mode = looksLikeRecord(text) ? 'records' : 'values'
            options.onMode?.(mode)
          } else if (mode === 'values' && options.mode === undefined) refuseRecord(text)
          records.push(recordOf(text, line, mode, options))
        } catch (error) {
          if (records.length > 0) yield records
          throw error
        }
      }
      if (records.length > 0) yield records
      number++ // a line too long is told by the splitter, before it has a number
    }
  } catch (error) {
    throw error instanceof LineError ? new BadLineError(number, error) : error
  }
}

function textOf({ bytes }: Line): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new LineError('not UTF-8')
  }
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Without a word from the caller, one input does not mix both kinds: a record taken for a value would be wrong in silence. */
function refuseRecord(text: string): void {
  // a value is seldom so short of members that this parse costs anything
  if (
    !/^\{\s*"(key|value|headers|timestamp|partition|position|tombstone|keyEncoding|valueEncoding)"/.test(text)
  )
    return
  parseJson(text)
  if (looksLikeRecord(text)) {
    throw new LineError(
      'looks like a record, but the first line was a plain value: say --records or --values',
    )
  }
}

function recordOf(text: string, line: Line, mode: LineMode, options: ReadRecordsOptions): NumberedRecord {
  const { keyPath, timestampPath } = options
  let record: LineRecord
  if (mode === 'records') record = decodeLine(text)
  else {
    parseJson(text)
    record = {
      key: null,
      value: Buffer.from(text),
      headers: [],
      timestamp: undefined,
      partition: undefined,
      position: undefined,
    }
  }
  let { key, timestamp } = record
  if (keyPath !== undefined || timestampPath !== undefined) {
    const value = valueText(record)
    // a tombstone has nothing to look into: it keeps what it has
    if (keyPath !== undefined && value !== undefined) key = keyAt(value, keyPath)
    else if (keyPath !== undefined && key === null) throw new LineError('a tombstone without a "key"')
    if (timestampPath !== undefined && value !== undefined) timestamp = timestampAt(value, timestampPath)
  }
  checkSize({ ...record, key }, options.maxRecordBytes)
  return { ...record, key, timestamp, line: line.number, end: line.end }
}

function checkSize({ key, value, headers }: LineRecord, most = Number.POSITIVE_INFINITY): void {
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += Buffer.byteLength(header.name) + (header.value?.length ?? 0)
  if (size <= most) return
  throw new LineError(`a record of ${size} bytes, where the topic takes ${most}`, 'RECORD_TOO_LARGE')
}

function valueText({ value }: LineRecord): string | undefined {
  if (value === null) return undefined
  try {
    const text = utf8.decode(value)
    JSON.parse(text)
    return text
  } catch {
    throw new LineError('the value is not JSON, so no path leads into it')
  }
}

/** A missing key would spread the records and lose their order in silence, so it is refused. */
function keyAt(value: string, path: string): Uint8Array {
  const raw = rawAt(value, path)
  if (raw === undefined || raw === 'null') {
    throw new LineError(
      `the value has ${raw === undefined ? 'no' : 'null for'} "${path}" to take for the key`,
    )
  }
  if (raw.startsWith('{') || raw.startsWith('[')) {
    throw new LineError(`"${path}" is an object or array; a key is text, a number or a boolean`)
  }
  if (!raw.startsWith('"')) return Buffer.from(raw)
  const text = JSON.parse(raw) as string
  if (HALF_PAIR.test(text))
    throw new LineError(`"${path}" has half a surrogate pair, which UTF-8 cannot hold`)
  return Buffer.from(text)
}

function timestampAt(value: string, path: string): number {
  const raw = rawAt(value, path)
  try {
    const timestamp = decodeTimestamp(raw)
    if (timestamp !== undefined) return timestamp
  } catch {
    throw new LineError(`"${path}" is no time: milliseconds since 1970 or an ISO 8601 date, not ${raw}`)
  }
  throw new LineError(`the value has no "${path}" to take for the timestamp`)
}
