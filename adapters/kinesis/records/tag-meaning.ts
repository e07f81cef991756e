import {
  BASE64_PREFIX,
  ESCAPE_PREFIX,
  KEY_TAG,
  OURS,
  PRODUCER_TAG,
  SEQUENCE_TAG,
  TIMESTAMP_TAG,
  VALUE_TAG,
} from './tags.ts'

/** What tags of a record may mean, one bit each. */
export const HEADERS = 1
export const KEY_GIVEN = 2
export const VALUE_GIVEN = 4
export const TIMESTAMP_GIVEN = 8
export const ORIGIN_GIVEN = 16

const ours = Buffer.from(OURS)
const names = (
  [
    [TIMESTAMP_TAG, TIMESTAMP_GIVEN],
    [PRODUCER_TAG, ORIGIN_GIVEN],
    [SEQUENCE_TAG, ORIGIN_GIVEN],
    [KEY_TAG, KEY_GIVEN],
    [VALUE_TAG, VALUE_GIVEN],
  ] as const
).map(([name, meaning]) => ({ name: Buffer.from(name), meaning }))
const base64Prefix = Buffer.from(BASE64_PREFIX)
const escapePrefix = Buffer.from(ESCAPE_PREFIX)

/** The meaning of a tag by its name, `bytes[at, at + length)`; 0 for one of ours that this version does not know. */
export function tagMeaning(bytes: Uint8Array, at: number, length: number): number {
  if (!begins(bytes, at, length, ours)) return HEADERS
  for (const { name, meaning } of names) {
    if (length === name.length && begins(bytes, at, length, name)) return meaning
  }
  const header = begins(bytes, at, length, base64Prefix) || begins(bytes, at, length, escapePrefix)
  return header ? HEADERS : 0
}

function begins(bytes: Uint8Array, at: number, length: number, prefix: Uint8Array): boolean {
  if (length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false
  return true
}
