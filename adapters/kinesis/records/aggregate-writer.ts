import type { WireRecord } from '../parts.ts'
import * as format from './aggregate-format.ts'
import { md5Digests } from './md5-lanes.ts'
import { varintBytes, writeBytes, writeVarint } from './protobuf.ts'

const FRAME_BYTES = format.MAGIC_BYTES + format.DIGEST_BYTES

/**
 * Gathers records into one aggregate as KPL writes them. Records are referred to until `finish`, which leaves the writer empty for
 * the next aggregate.
 */
export class AggregateWriter {
  readonly #keys = new Map<string, number>()
  readonly #hashKeys = new Map<string, number>()
  readonly #keyTable: Uint8Array[] = []
  readonly #records: WireRecord[] = []
  /** For each record its key's index, its hash key's or -1, and the length of its body. */
  readonly #numbers: number[] = []
  #sizeBytes = FRAME_BYTES

  get count(): number {
    return this.#records.length
  }

  /** What `finish` would return, exactly. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /**
   * False, and nothing appended, where the aggregate would come to more than `maxBytes`. `explicitHashKey`, a decimal number, overrides the
   * record's own hash: for a record that was sent to a shard of the caller's choice, which readers would else drop as misplaced.
   */
  append(record: WireRecord, maxBytes: number, explicitHashKey?: string): boolean {
    const { partitionKey, keyBytes, data, tags } = record
    let size = this.#sizeBytes
    let key = this.#keys.get(partitionKey)
    const newKey = key === undefined
    if (key === undefined) {
      key = this.#keyTable.length
      size += 1 + varintBytes(keyBytes.length) + keyBytes.length
    }
    let body = 1 + varintBytes(key) + 1 + varintBytes(data.length) + data.length
    let hashKey = -1
    if (explicitHashKey !== undefined) {
      const known = this.#hashKeys.get(explicitHashKey)
      hashKey = known ?? this.#hashKeys.size
      if (known === undefined) size += 1 + varintBytes(explicitHashKey.length) + explicitHashKey.length
      body += 1 + varintBytes(hashKey)
    }
    if (tags !== null) body += tags.length
    size += 1 + varintBytes(body) + body
    if (size > maxBytes) return false
    if (newKey) {
      this.#keys.set(partitionKey, key)
      this.#keyTable.push(keyBytes)
    }
    if (explicitHashKey !== undefined) this.#hashKeys.set(explicitHashKey, hashKey)
    this.#records.push(record)
    this.#numbers.push(key, hashKey, body)
    this.#sizeBytes = size
    return true
  }

  /** The aggregate, the caller's from now on. Not to be called without records. */
  finish(): Buffer {
    const bytes = this.finishUnsealed()
    sealAggregates([bytes])
    return bytes
  }

  /** The same without its checksum: `sealAggregates` puts that into many at once, in less time. */
  finishUnsealed(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#sizeBytes)
    for (let i = 0; i < format.MAGIC_BYTES; i++) bytes[i] = format.MAGIC[i]!
    let at = format.MAGIC_BYTES
    for (const key of this.#keyTable) {
      bytes[at++] = format.KEY_TABLE_FIELD
      at = writeBytes(bytes, writeVarint(bytes, at, key.length), key)
    }
    for (const hashKey of this.#hashKeys.keys()) {
      bytes[at++] = format.HASH_KEY_TABLE_FIELD
      at = writeVarint(bytes, at, hashKey.length)
      at += bytes.write(hashKey, at, 'latin1')
    }
    const numbers = this.#numbers
    for (let i = 0, n = 0; i < this.#records.length; i++, n += 3) {
      const { data, tags } = this.#records[i]!
      const hashKey = numbers[n + 1]!
      bytes[at++] = format.RECORDS_FIELD
      at = writeVarint(bytes, at, numbers[n + 2]!)
      bytes[at++] = format.KEY_INDEX_FIELD
      at = writeVarint(bytes, at, numbers[n]!)
      if (hashKey >= 0) {
        bytes[at++] = format.HASH_KEY_INDEX_FIELD
        at = writeVarint(bytes, at, hashKey)
      }
      bytes[at++] = format.DATA_FIELD
      at = writeBytes(bytes, writeVarint(bytes, at, data.length), data)
      if (tags !== null) at = writeBytes(bytes, at, tags)
    }
    this.#clear()
    return bytes
  }

  #clear(): void {
    this.#keys.clear()
    this.#hashKeys.clear()
    this.#keyTable.length = 0
    this.#records.length = 0
    this.#numbers.length = 0
    this.#sizeBytes = FRAME_BYTES
  }
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

/** The size of an aggregate of this record alone. */
export function aggregateOfOneBytes({ keyBytes, data, tags }: WireRecord): number {
  const key = 1 + varintBytes(keyBytes.length) + keyBytes.length
  const body = 3 + varintBytes(data.length) + data.length + (tags?.length ?? 0)
  return FRAME_BYTES + key + 1 + varintBytes(body) + body
}
