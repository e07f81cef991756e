import type { EncodedRecord } from '../../../src/driver.ts'
import { hashKeys } from './hash-keys.ts'
import { type PartitionKey, randomPartitionKey } from './partition-key.ts'
import { PRODUCER_TAG, SEQUENCE_TAG, TagsWriter, TIMESTAMP_TAG, VALUE_TAG } from './tags.ts'

// Often enough that shards share records without key evenly, and seldom enough that making it costs little.
const RECORDS_A_RANDOM_KEY = 4

/** What of a record is neither key nor data, as it is written. One a producer: it numbers records. */
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

  /** What KPL calls tags, as they stand in an aggregate; null where key and data say it all. With a producer, once a record. */
  tagsOf({ value, headers, timestamp }: EncodedRecord, { tag }: PartitionKey): Uint8Array | null {
    const producer = this.#producer
    const none = tag === null && value !== null && headers.length === 0 && timestamp === undefined
    if (none && producer === undefined) return null
    const writer = this.#tags
    if (tag !== null) writer.add(tag.name, tag.value)
    if (value === null) writer.add(VALUE_TAG, 'null')
    if (timestamp !== undefined) writer.add(TIMESTAMP_TAG, String(timestamp))
    if (producer !== undefined) {
      writer.add(PRODUCER_TAG, producer)
      writer.add(SEQUENCE_TAG, String(this.#sequence++))
    }
    for (const header of headers) writer.addHeader(header)
    return writer.finish()
  }

  /** For a record without key, with its hash; another one every few records. */
  randomKey(): PartitionKey {
    if (this.#random === undefined || this.#randomUses === RECORDS_A_RANDOM_KEY) {
      this.#random = randomPartitionKey()
      hashKeys([this.#random])
      this.#randomUses = 0
    }
    this.#randomUses++
    return this.#random
  }
}
