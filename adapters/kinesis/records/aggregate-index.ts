import * as format from './aggregate-format.ts'
import { ProtobufReader } from './protobuf.ts'
import { HEADERS, tagMeaning } from './tag-meaning.ts'
import { TAG_KEY_FIELD, TAG_VALUE_FIELD, TAGS_FIELD } from './tags.ts'

/** Numbers a record in `slots`. */
export const SLOT = 7
export const KEY = 0
/** -1 where there is none. */
export const HASH_KEY = 1
export const DATA_AT = 2
export const DATA_LENGTH = 3
/** The whole record, for looking at its tags. */
export const AT = 4
export const END = 5
/** What its tags mean, as bits of `tag-meaning.ts`. */
export const MEANING = 6

/** Where all that an aggregate holds stands in its bytes; every place was checked. */
export interface AggregateIndex {
  readonly count: number
  readonly slots: Int32Array
  /** Two numbers each: where it starts, and its length. */
  readonly keys: Int32Array
  readonly hashKeys: Int32Array
}

const MAX_HASH_KEY_DIGITS = 39

interface Room {
  readonly slots: Int32Array
  readonly keys: Int32Array
  readonly hashKeys: Int32Array
}

/** Aggregates of the usual size are noted here, and copied when it is known how much there is. Reused between calls, which never overlap. */
const usual: Room = {
  slots: new Int32Array(SLOT * 4_096),
  keys: new Int32Array(8_192),
  hashKeys: new Int32Array(512),
}

/**
 * Walks the message in `bytes[start, end)`; a large one twice, to count and to note. Undefined where KCL's parser would refuse it, and where an index
 * points outside its table. Allocates a few bytes for each byte of the message at most.
 */
export function indexMessage(bytes: Uint8Array, start: number, end: number): AggregateIndex | undefined {
  const found = noteMessage(bytes, start, end, usual)
  if (found !== 'full') return found
  const counted = noteMessage(bytes, start, end, countMessage(bytes, start, end))
  return counted === 'full' ? undefined : counted
}

function countMessage(bytes: Uint8Array, start: number, end: number): Room {
  let keys = 0
  let hashKeys = 0
  let records = 0
  const reader = new ProtobufReader(bytes, start, end)
  while (reader.at < end) {
    const tag = reader.varint()
    if (tag === format.KEY_TABLE_FIELD) keys++
    else if (tag === format.HASH_KEY_TABLE_FIELD) hashKeys++
    else if (tag === format.RECORDS_FIELD) records++
    reader.skip(tag & 7)
  }
  return {
    slots: new Int32Array(records * SLOT),
    keys: new Int32Array(keys * 2),
    hashKeys: new Int32Array(hashKeys * 2),
  }
}

function noteMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  room: Room,
): AggregateIndex | undefined | 'full' {
  const { slots, keys, hashKeys } = room
  let slot = 0
  let key = 0
  let hashKey = 0
  const reader = new ProtobufReader(bytes, start, end)
  while (reader.at < end) {
    const tag = reader.varint()
    if (tag === format.RECORDS_FIELD) {
      const length = reader.length()
      if (slot === slots.length) return 'full'
      if (!indexRecord(reader, length, slots, slot)) return undefined
      slot += SLOT
    } else if (tag === format.KEY_TABLE_FIELD) {
      if (key === keys.length) return 'full'
      keys[key + 1] = reader.length()
      keys[key] = reader.at
      reader.at += keys[key + 1]!
      key += 2
    } else if (tag === format.HASH_KEY_TABLE_FIELD) {
      if (hashKey === hashKeys.length) return 'full'
      const length = reader.length()
      if (!isNumber(bytes, reader.at, length)) return undefined
      hashKeys[hashKey] = reader.at
      hashKeys[hashKey + 1] = length
      reader.at += length
      hashKey += 2
    } else if (tag < 8) return undefined
    else reader.skip(tag & 7)
  }
  if (reader.bad) return undefined
  // Tables may stand behind the records that point into them.
  for (let at = 0; at < slot; at += SLOT) {
    if (slots[at + KEY]! * 2 >= key || slots[at + HASH_KEY]! * 2 >= hashKey) return undefined
  }
  const count = slot / SLOT
  // What was counted is of the right size.
  if (room !== usual) return { count, slots, keys, hashKeys }
  return {
    count,
    slots: slots.slice(0, slot),
    keys: keys.slice(0, key),
    hashKeys: hashKeys.slice(0, hashKey),
  }
}

function indexRecord(reader: ProtobufReader, length: number, slots: Int32Array, slot: number): boolean {
  const outer = reader.end
  const end = reader.at + length
  let key = -1
  let hashKey = -1
  let dataAt = -1
  let dataLength = 0
  let meaning = 0
  slots[slot + AT] = reader.at
  slots[slot + END] = end
  reader.end = end
  while (reader.at < end) {
    const tag = reader.varint()
    if (tag === format.KEY_INDEX_FIELD) key = reader.varint()
    else if (tag === format.DATA_FIELD) {
      dataLength = reader.length()
      dataAt = reader.at
      reader.at += dataLength
    } else if (tag === format.HASH_KEY_INDEX_FIELD) hashKey = reader.varint()
    else if (tag === TAGS_FIELD) {
      const tagLength = reader.length()
      meaning |= indexTag(reader, tagLength)
    } else if (tag < 8) return false
    else reader.skip(tag & 7)
  }
  reader.end = outer
  slots[slot + KEY] = key
  slots[slot + HASH_KEY] = hashKey
  slots[slot + DATA_AT] = dataAt
  slots[slot + DATA_LENGTH] = dataLength
  slots[slot + MEANING] = meaning
  return key >= 0 && dataAt >= 0 && !reader.bad
}

function indexTag(reader: ProtobufReader, length: number): number {
  const outer = reader.end
  readTag(reader, reader.at + length)
  reader.end = outer
  if (tagPlace.nameAt < 0) reader.bad = true
  return reader.bad ? HEADERS : tagMeaning(reader.bytes, tagPlace.nameAt, tagPlace.nameLength)
}

/** Where the tag that `readTag` read last stands: reused, since there may be several a record. A length of -1: no value. */
export const tagPlace = { nameAt: -1, nameLength: 0, valueAt: 0, valueLength: -1 }

/** Reads the fields of a tag up to `end`, where it leaves the reader, with `end` as its own. */
export function readTag(reader: ProtobufReader, end: number): void {
  tagPlace.nameAt = -1
  tagPlace.valueLength = -1
  reader.end = end
  while (reader.at < end) {
    const tag = reader.varint()
    if (tag === TAG_KEY_FIELD) {
      tagPlace.nameLength = reader.length()
      tagPlace.nameAt = reader.at
      reader.at += tagPlace.nameLength
    } else if (tag === TAG_VALUE_FIELD) {
      tagPlace.valueLength = reader.length()
      tagPlace.valueAt = reader.at
      reader.at += tagPlace.valueLength
    } else if (tag < 8) {
      reader.bad = true
      return
    } else reader.skip(tag & 7)
  }
}

function isNumber(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < 1 || length > MAX_HASH_KEY_DIGITS) return false
  for (let i = at; i < at + length; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false
  return true
}
