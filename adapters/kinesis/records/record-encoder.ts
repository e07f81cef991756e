import type { EncodedRecord } from '../../../src/driver.ts'
import type { WireRecord } from '../parts.ts'
import { beginsLikeAggregate } from './aggregate-format.ts'
import { type PartitionKey, partitionKeyOf, randomPartitionKey } from './partition-key.ts'
import { PRODUCER_TAG, SEQUENCE_TAG, TagsWriter, TIMESTAMP_TAG, VALUE_TAG } from './tags.ts'

const EMPTY = new Uint8Array(0)
// Often enough that shards share records without key evenly, and seldom enough that making it costs little.
const RECORDS_A_RANDOM_KEY = 4

/** Puts records into the form in which they are written. One a producer: it numbers records. */
export class RecordEncoder {
  #random: PartitionKey | undefined
  #randomUses = 0
  readonly #tags = new TagsWriter()
  readonly #producer: string | undefined
  #sequence = 0

  /** `producer`: a name no other has, for consumers that drop doubles; every record then carries it and a number. Default: none. */
  constructor(producer?: string) {
    this.#producer = producer
  }

  /** `record.partition` is left to the caller. Key and value are not copied. */
  encode(record: EncodedRecord): WireRecord {
    const { value, headers, timestamp } = record
    const { text, utf8, hashKey, tag } = record.key === null ? this.#randomKey() : partitionKeyOf(record.key)
    const data = value ?? EMPTY
    let tags: Uint8Array | null = null
    if (
      tag !== null ||
      value === null ||
      headers.length > 0 ||
      timestamp !== undefined ||
      this.#producer !== undefined
    ) {
      const writer = this.#tags
      if (tag !== null) writer.add(tag.name, tag.value)
      if (value === null) writer.add(VALUE_TAG, 'null')
      if (timestamp !== undefined) writer.add(TIMESTAMP_TAG, String(timestamp))
      if (this.#producer !== undefined) {
        writer.add(PRODUCER_TAG, this.#producer)
        writer.add(SEQUENCE_TAG, String(this.#sequence++))
      }
      for (const header of headers) writer.addHeader(header)
      tags = writer.finish()
    }
    const alone = tags === null && !beginsLikeAggregate(data)
    return { partitionKey: text, keyBytes: utf8, hashKey, data, tags, alone }
  }

  #randomKey(): PartitionKey {
    if (this.#random === undefined || this.#randomUses === RECORDS_A_RANDOM_KEY) {
      this.#random = randomPartitionKey()
      this.#randomUses = 0
    }
    this.#randomUses++
    return this.#random
  }
}
