import type { Header } from '../../index.ts'

/** A record as JSON Lines carry it: the bytes, and where it stood. */
export interface LineRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
  /** Milliseconds since the epoch; undefined leaves it to the backend. */
  readonly timestamp: number | undefined
  readonly partition: string | undefined
  readonly position: string | undefined
}

/** The members a line may have. What else stands there is refused, so that a misspelt one is not lost in silence. */
export const RECORD_MEMBERS: ReadonlySet<string> = new Set([
  'key',
  'keyEncoding',
  'value',
  'valueEncoding',
  'tombstone',
  'headers',
  'timestamp',
  'partition',
  'position',
])

/** How a line writes the bytes of a key or a value. */
export type Encoding = 'json' | 'text' | 'base64'
