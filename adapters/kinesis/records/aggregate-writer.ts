import * as format from './aggregate-format.ts'
import { md5Digests } from './md5-lanes.ts'
import type { PartitionKey } from './partition-key.ts'
import { varintBytes, writeBytes, writeVarint } from './protobuf.ts'

const FRAME_BYTES = format.MAGIC_BYTES + format.DIGEST_BYTES
const FIRST_BYTES = 64 << 10
/** What is larger is given back after use. */
const KEPT_BYTES = 1 << 20
/** Of one record, beside its data and tags. */
const MOST_HEAD_BYTES = 24

/** Tells aggregates apart, whoever writes them. */
let aggregates = 0

/** Writes records into one aggregate as KPL does; after `finish` into the next one. Nothing that is appended is referred to. */
export class AggregateWriter {
  readonly #hashKeys = new Map<string, number>()
  /** The table of keys, and the records, each as they stand in the aggregate. */
  #table = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #tableBytes = 0
  #records = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #recordsBytes = 0
  #hashKeysBytes = 0
  #keys = 0
  #count = 0
  /** Of this aggregate. */
  #number = ++aggregates

  get count(): number {
    return this.#count
  }

  /** What `finish` would return, exactly. */
  get sizeBytes(): number {
    return FRAME_BYTES + this.#tableBytes + this.#hashKeysBytes + this.#recordsBytes
  }

  /**
   * False, and nothing appended, where the aggregate would come to more than `maxBytes`. `explicitHashKey`, a decimal number, overrides the
   * key's own hash: for a record that was sent to a shard of the caller's choice, which readers would else drop as misplaced. A key stands in the
   * table once as long as it comes as the same object.
   */
  append(
    key: PartitionKey,
    data: Uint8Array,
    tags: Uint8Array | null,
    maxBytes: number,
    explicitHashKey?: string,
  ): boolean {
    const { utf8 } = key
    const isNew = key.aggregate !== this.#number
    const place = isNew ? this.#keys : key.place
    const known = explicitHashKey === undefined ? -1 : this.#hashKeys.get(explicitHashKey)
    const hashKey = known ?? this.#hashKeys.size
    const dataBytes = data.length
    let body = 2 + varintBytes(place) + varintBytes(dataBytes) + dataBytes
    if (hashKey >= 0) body += 1 + varintBytes(hashKey)
    if (tags !== null) body += tags.length
    let size = this.sizeBytes + 1 + varintBytes(body) + body
    if (isNew) size += 1 + varintBytes(utf8.length) + utf8.length
    if (known === undefined) size += 1 + varintBytes(explicitHashKey!.length) + explicitHashKey!.length
    if (size > maxBytes) return false

    if (isNew) this.#addKey(key)
    if (known === undefined) this.#addHashKey(explicitHashKey!, hashKey)
    const end = this.#recordsBytes + body + MOST_HEAD_BYTES
    if (end > this.#records.length) this.#records = larger(this.#records, this.#recordsBytes, end)
    const bytes = this.#records
    let at = this.#recordsBytes
    bytes[at++] = format.RECORDS_FIELD
    at = writeVarint(bytes, at, body)
    bytes[at++] = format.KEY_INDEX_FIELD
    at = writeVarint(bytes, at, place)
    if (hashKey >= 0) {
      bytes[at++] = format.HASH_KEY_INDEX_FIELD
      at = writeVarint(bytes, at, hashKey)
    }
    bytes[at++] = format.DATA_FIELD
    at = writeBytes(bytes, writeVarint(bytes, at, dataBytes), data)
    if (tags !== null) at = writeBytes(bytes, at, tags)
    this.#recordsBytes = at
    this.#count++
    return true
  }

  /** The aggregate, the caller's from now on. Not to be called without records. */
  finish(): Buffer {
    const bytes = this.finishUnsealed()
    sealAggregates([bytes])
    return bytes
  }

  /**
   * The same without its checksum: `sealAggregates` puts that into many at once, in less time. `bytes`: where it is written, of `sizeBytes`;
   * default: memory of its own.
   */
  finishUnsealed(bytes = Buffer.allocUnsafe(this.sizeBytes)): Buffer {
    for (let i = 0; i < format.MAGIC_BYTES; i++) bytes[i] = format.MAGIC[i]!
    let at = format.MAGIC_BYTES
    at += this.#table.copy(bytes, at, 0, this.#tableBytes)
    for (const hashKey of this.#hashKeys.keys()) {
      bytes[at++] = format.HASH_KEY_TABLE_FIELD
      at = writeVarint(bytes, at, hashKey.length)
      at += bytes.write(hashKey, at, 'latin1')
    }
    this.#records.copy(bytes, at, 0, this.#recordsBytes)
    this.#clear()
    return bytes
  }

  #addKey(key: PartitionKey): void {
    const { utf8 } = key
    const end = this.#tableBytes + utf8.length + MOST_HEAD_BYTES
    if (end > this.#table.length) this.#table = larger(this.#table, this.#tableBytes, end)
    this.#table[this.#tableBytes++] = format.KEY_TABLE_FIELD
    const at = writeVarint(this.#table, this.#tableBytes, utf8.length)
    this.#tableBytes = writeBytes(this.#table, at, utf8)
    key.aggregate = this.#number
    key.place = this.#keys++
  }

  #addHashKey(hashKey: string, place: number): void {
    this.#hashKeys.set(hashKey, place)
    this.#hashKeysBytes += 1 + varintBytes(hashKey.length) + hashKey.length
  }

  #clear(): void {
    this.#hashKeys.clear()
    if (this.#records.length > KEPT_BYTES) this.#records = Buffer.allocUnsafeSlow(FIRST_BYTES)
    if (this.#table.length > KEPT_BYTES) this.#table = Buffer.allocUnsafeSlow(FIRST_BYTES)
    this.#tableBytes = 0
    this.#recordsBytes = 0
    this.#hashKeysBytes = 0
    this.#keys = 0
    this.#count = 0
    this.#number = ++aggregates
  }
}

function larger(bytes: Uint8Array, used: number, least: number): Buffer<ArrayBuffer> {
  const grown = Buffer.allocUnsafeSlow(Math.max(least, bytes.length * 2))
  grown.set(bytes.subarray(0, used))
  return grown
}

/** Puts their checksums into aggregates that are complete but for these. */
export function sealAggregates(aggregates: readonly Uint8Array[]): void {
  const digests = md5Digests(
    aggregates.map((each) => each.subarray(format.MAGIC_BYTES, -format.DIGEST_BYTES)),
  )
  aggregates.forEach((each, i) => {
    const digest = digests.subarray(i * format.DIGEST_BYTES, (i + 1) * format.DIGEST_BYTES)
    each.set(digest, each.length - format.DIGEST_BYTES)
  })
}

/** The size of an aggregate of one record alone. */
export function aggregateOfOneBytes(
  { utf8 }: PartitionKey,
  data: Uint8Array,
  tags: Uint8Array | null,
): number {
  const key = 1 + varintBytes(utf8.length) + utf8.length
  const body = 3 + varintBytes(data.length) + data.length + (tags?.length ?? 0)
  return FRAME_BYTES + key + 1 + varintBytes(body) + body
}
