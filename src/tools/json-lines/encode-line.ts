import type { Header } from '../../index.ts'
import type { LineRecord } from './line-record.ts'
import { isSpace } from './raw-json.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * One line for a record, without its line feed. A value that is JSON stands there byte for byte as it was stored; other
 * text and other bytes are marked by `valueEncoding`. `decodeLine` gives the same bytes back.
 */
export function encodeLine(record: LineRecord): string {
  const members: string[] = [encodeKey(record.key), encodeValue(record.value)]
  if (record.headers.length > 0) members.push(`"headers":${encodeHeaders(record.headers)}`)
  if (record.timestamp !== undefined) members.push(`"timestamp":${record.timestamp}`)
  if (record.partition !== undefined) members.push(`"partition":${JSON.stringify(record.partition)}`)
  if (record.position !== undefined) members.push(`"position":${JSON.stringify(record.position)}`)
  return `{${members.join(',')}}`
}

/** Keys are text as a rule, so text is their default, not JSON. */
function encodeKey(key: Uint8Array | null): string {
  if (key === null) return '"key":null'
  const text = textOf(key)
  if (text !== undefined) return `"key":${JSON.stringify(text)}`
  return `"key":"${base64Of(key)}","keyEncoding":"base64"`
}

function encodeValue(value: Uint8Array | null): string {
  if (value === null) return '"tombstone":true'
  const text = textOf(value)
  if (text === undefined) return `"value":"${base64Of(value)}","valueEncoding":"base64"`
  if (isEmbeddable(text)) return `"value":${text}`
  return `"value":${JSON.stringify(text)},"valueEncoding":"text"`
}

/** Names may repeat and values be binary, which an object does not hold: then they are a list. */
function encodeHeaders(headers: readonly Header[]): string {
  const names = new Set(headers.map((header) => header.name))
  // an object moves names that look like indices to its front
  const plain = names.size === headers.length && ![...names].some((name) => /^\d+$/.test(name))
  const texts = headers.map((header) => (header.value === null ? null : textOf(header.value)))
  if (plain && !texts.includes(undefined)) {
    return `{${headers.map(({ name }, i) => `${JSON.stringify(name)}:${JSON.stringify(texts[i])}`).join(',')}}`
  }
  const list = headers.map(({ name, value }, i) =>
    texts[i] === undefined
      ? `{"name":${JSON.stringify(name)},"value":"${base64Of(value!)}","encoding":"base64"}`
      : `{"name":${JSON.stringify(name)},"value":${JSON.stringify(texts[i])}}`,
  )
  return `[${list.join(',')}]`
}

/** Whether a text can stand in a line as JSON and be cut out again the same: no line breaks, nothing around it. */
function isEmbeddable(text: string): boolean {
  if (text === '' || text.includes('\n') || text.includes('\r')) return false
  if (isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(text.length - 1))) return false
  if (!/^[{["0-9tfn-]/.test(text)) return false // spares the parser's exception for plain text
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
