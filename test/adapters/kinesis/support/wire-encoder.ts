import {
  type AggregateWriter,
  hashKeys,
  type PartitionKey,
  partitionKeyOf,
  RecordEncoder,
} from '../../../../adapters/kinesis/records/index.ts'
import type { EncodedRecord } from '../../../../src/driver.ts'

/** A record as the producer has it before it writes it. */
export interface Wire {
  readonly key: PartitionKey
  readonly data: Uint8Array
  readonly tags: Uint8Array | null
}

/** Encodes record by record, equal keys as one. */
export class WireEncoder {
  readonly #encoder: RecordEncoder
  readonly #keys = new Map<string, PartitionKey>()

  constructor(producer?: string) {
    this.#encoder = new RecordEncoder(producer)
  }

  encode(record: EncodedRecord): Wire {
    const key = record.key === null ? this.#encoder.randomKey() : this.#keyOf(record.key)
    return { key, data: record.value ?? new Uint8Array(0), tags: this.#encoder.tagsOf(record, key) }
  }

  #keyOf(bytes: Uint8Array): PartitionKey {
    const name = Buffer.from(bytes).toString('latin1')
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = partitionKeyOf(bytes)
      hashKeys([key])
      this.#keys.set(name, key)
    }
    return key
  }
}

/** As the writer's `append`. */
export function append(
  writer: AggregateWriter,
  { key, data, tags }: Wire,
  maxBytes: number,
  explicitHashKey?: string,
): boolean {
  return writer.append(key, data, tags, maxBytes, explicitHashKey)
}
