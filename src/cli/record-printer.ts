import type { StreamRecord } from '../index.ts'
import { encodeLine } from '../tools/json-lines/encode-line.ts'
import { time } from './human.ts'

export type PrintableRecord = StreamRecord<Uint8Array, Uint8Array>

/** Prints records; resolves when standard output took them. */
export type Print = (records: readonly PrintableRecord[]) => Promise<void>

/** JSON Lines, which `produce` and `replay` take back without loss. */
export function lineOf(record: PrintableRecord): string {
  const { rawKey: key, rawValue: value, headers, timestamp, partition, position } = record
  return `${encodeLine({ key, value, headers, timestamp, partition, position })}\n`
}

/** A record on one row of a terminal: `0@17  2026-01-31T12:00:00.000Z  key  value`, cut to the width. */
export function rowOf(record: PrintableRecord, width: number): string {
  const place = `${record.partition}@${record.position}`
  const key = record.rawKey === null ? '(no key)' : shown(record.rawKey)
  const value = record.rawValue === null ? '(tombstone)' : shown(record.rawValue)
  const headers = record.headers.length === 0 ? '' : `  [${record.headers.map(({ name }) => name).join(' ')}]`
  const row = `${place.padEnd(8)}  ${time(record.timestamp)}  ${key.padEnd(8)}  ${value}${headers}`
  const cells = [...row]
  return `${cells.length > width ? `${cells.slice(0, width - 1).join('')}…` : row}\n`
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bytes as a terminal may have them: control characters would move its cursor. */
function shown(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 4_096)
  try {
    const text = utf8.decode(bytes.length > head.length ? wholeCharacters(head) : head)
    if (text === '') return '""'
    return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      JSON.stringify(character)
        .slice(1, -1)
        .replace(/^[^\\]$/, '·'),
    )
  } catch {
    return `0x${Buffer.from(head.subarray(0, 32)).toString('hex')}${bytes.length > 32 ? '…' : ''}`
  }
}

function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, Math.max(0, end - 1))
}
