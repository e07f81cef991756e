import type { Header } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { beginsLikeAggregate, DIGEST_BYTES, MAGIC_BYTES } from './aggregate-format.ts'
import * as index from './aggregate-index.ts'
import { md5Number } from './md5.ts'
import { md5Digests } from './md5-lanes.ts'
import { NO_HEADERS } from './no-headers.ts'
import { ProtobufReader } from './protobuf.ts'
import * as meaning from './tag-meaning.ts'
import {
  asBuffer,
  BASE64_PREFIX,
  ESCAPE_PREFIX,
  KEY_TAG,
  PRODUCER_TAG,
  SEQUENCE_TAG,
  TAGS_FIELD,
  TIMESTAMP_TAG,
  VALUE_TAG,
} from './tags.ts'
import type { Origin, UserRecords } from './user-records.ts'

const WHOLE_NUMBER = /^-?\d{1,16}$/

/** The records of one aggregate, found in one pass over the bytes received and decoded by index when looked at. */
export class Aggregate implements UserRecords {
  readonly count: number
  readonly aggregated = true
  readonly #bytes: Buffer
  readonly #slots: Int32Array
  readonly #keys: Int32Array
  readonly #hashKeys: Int32Array
  /** What was computed so far: of the key table, then of the table of explicit hash keys. */
  #hashes: (bigint | undefined)[] | undefined

  private constructor(bytes: Buffer, { count, slots, keys, hashKeys }: index.AggregateIndex) {
    this.count = count
    this.#bytes = bytes
    this.#slots = slots
    this.#keys = keys
    this.#hashKeys = hashKeys
  }

  /** Undefined where the bytes are no aggregate, by their beginning, their checksum or their structure. */
  static read(data: Uint8Array): Aggregate | undefined {
    return Aggregate.readAll([data])[0]
  }

  /** As `read`, of many: their checksums are computed together, in less time. */
  static readAll(datas: readonly Uint8Array[]): (Aggregate | undefined)[] {
    const aggregates = new Array<Aggregate | undefined>(datas.length).fill(undefined)
    const places: number[] = []
    const messages: Uint8Array[] = []
    datas.forEach((data, i) => {
      const end = data.length - DIGEST_BYTES
      if (!beginsLikeAggregate(data) || end <= MAGIC_BYTES) return
      places.push(i)
      messages.push(data.subarray(MAGIC_BYTES, end))
    })
    const digests = md5Digests(messages)
    places.forEach((place, i) => {
      const bytes = asBuffer(datas[place]!)
      const end = bytes.length - DIGEST_BYTES
      if (bytes.compare(digests, i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES, end) !== 0) return
      const found = index.indexMessage(bytes, MAGIC_BYTES, end)
      if (found !== undefined) aggregates[place] = new Aggregate(bytes, found)
    })
    return aggregates
  }

  key(i: number): Uint8Array | null {
    if (this.#means(i, meaning.KEY_GIVEN)) {
      const text = this.#tag(i, KEY_TAG)
      return text === undefined ? null : Buffer.from(text, 'base64')
    }
    const key = this.#slot(i, index.KEY) * 2
    const at = this.#keys[key]!
    return this.#bytes.subarray(at, at + this.#keys[key + 1]!)
  }

  /** As KCL gives it, whatever tags say. */
  partitionKey(i: number): string {
    const key = this.#slot(i, index.KEY) * 2
    const at = this.#keys[key]!
    return this.#bytes.toString('utf8', at, at + this.#keys[key + 1]!)
  }

  /** A decimal number; undefined where the partition key decides. */
  explicitHashKey(i: number): string | undefined {
    const hashKey = this.#slot(i, index.HASH_KEY) * 2
    if (hashKey < 0) return undefined
    const at = this.#hashKeys[hashKey]!
    return this.#bytes.toString('latin1', at, at + this.#hashKeys[hashKey + 1]!)
  }

  /** The data as KCL gives it, whatever tags say. */
  data(i: number): Uint8Array {
    const at = this.#slot(i, index.DATA_AT)
    return this.#bytes.subarray(at, at + this.#slot(i, index.DATA_LENGTH))
  }

  value(i: number): Uint8Array | null {
    if (this.#means(i, meaning.VALUE_GIVEN) && this.#tag(i, VALUE_TAG) === 'null') return null
    return this.data(i)
  }

  mayHaveHeaders(i: number): boolean {
    return this.#means(i, meaning.HEADERS)
  }

  headers(i: number): readonly Header[] {
    if (!this.#means(i, meaning.HEADERS)) return NO_HEADERS
    const headers: Header[] = []
    const bytes = this.#bytes
    this.#eachTag(i, (tag) => {
      if (meaning.tagMeaning(bytes, tag.nameAt, tag.nameLength) !== meaning.HEADERS) return
      const name = bytes.toString('utf8', tag.nameAt, tag.nameAt + tag.nameLength)
      const { valueAt, valueLength } = tag
      const value = valueLength < 0 ? null : bytes.subarray(valueAt, valueAt + valueLength)
      if (name.startsWith(ESCAPE_PREFIX)) headers.push({ name: name.slice(ESCAPE_PREFIX.length), value })
      else if (name.startsWith(BASE64_PREFIX)) {
        const decoded = value === null ? null : Buffer.from(value.toString('latin1'), 'base64')
        headers.push({ name: name.slice(BASE64_PREFIX.length), value: decoded })
      } else headers.push({ name, value })
    })
    return headers
  }

  timestamp(i: number): number | undefined {
    if (!this.#means(i, meaning.TIMESTAMP_GIVEN)) return undefined
    return wholeNumber(this.#tag(i, TIMESTAMP_TAG))
  }

  keyHash(i: number): number {
    if (this.#means(i, meaning.KEY_GIVEN)) {
      const key = this.key(i)
      // The partition key of a null key is random.
      if (key !== null) return murmur2(key)
    }
    const key = this.#slot(i, index.KEY) * 2
    const at = this.#keys[key]!
    return murmur2(this.#bytes, at, at + this.#keys[key + 1]!)
  }

  origin(i: number): Origin | undefined {
    if (!this.#means(i, meaning.ORIGIN_GIVEN)) return undefined
    const producer = this.#tag(i, PRODUCER_TAG)
    const sequence = wholeNumber(this.#tag(i, SEQUENCE_TAG))
    return producer === undefined || sequence === undefined ? undefined : { producer, sequence }
  }

  hashKey(i: number): bigint {
    this.#hashes ??= []
    const hashKey = this.#slot(i, index.HASH_KEY)
    const key = this.#slot(i, index.KEY)
    const at = hashKey < 0 ? key : (this.#keys.length >> 1) + hashKey
    return (this.#hashes[at] ??= hashKey < 0 ? this.#keyDigest(key) : BigInt(this.explicitHashKey(i)!))
  }

  /** The first record whose hash lies outside `[from, to]`; -1 where all lie within. */
  firstOutside(from: bigint, to: bigint): number {
    for (let i = 0; i < this.count; i++) {
      const hashKey = this.hashKey(i)
      if (hashKey < from || hashKey > to) return i
    }
    return -1
  }

  #keyDigest(key: number): bigint {
    const at = this.#keys[key * 2]!
    return md5Number(this.#bytes, at, at + this.#keys[key * 2 + 1]!)
  }

  #slot(i: number, what: number): number {
    if (!(i >= 0 && i < this.count)) throw new RangeError(`no record ${i} in an aggregate of ${this.count}`)
    return this.#slots[i * index.SLOT + what]!
  }

  #means(i: number, what: number): boolean {
    return (this.#slot(i, index.MEANING) & what) !== 0
  }

  /** The value of the last tag of that name; undefined where it has none. */
  #tag(i: number, name: string): string | undefined {
    let found: string | undefined
    const bytes = this.#bytes
    this.#eachTag(i, ({ nameAt, nameLength, valueAt, valueLength }) => {
      if (nameLength !== name.length || bytes.toString('latin1', nameAt, nameAt + nameLength) !== name) return
      found = valueLength < 0 ? undefined : bytes.toString('utf8', valueAt, valueAt + valueLength)
    })
    return found
  }

  #eachTag(i: number, visit: (tag: typeof index.tagPlace) => void): void {
    const end = this.#slot(i, index.END)
    const reader = new ProtobufReader(this.#bytes, this.#slot(i, index.AT), end)
    while (reader.at < end) {
      const tag = reader.varint()
      if (tag === TAGS_FIELD) {
        index.readTag(reader, reader.length() + reader.at)
        reader.end = end
        visit(index.tagPlace)
      } else reader.skip(tag & 7)
    }
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && WHOLE_NUMBER.test(text) ? Number(text) : undefined
}
