import { hash } from 'node:crypto'
import { ServiceError } from '../../aws-faults/service-error.ts'
import { hashHex, MAX_HASH } from '../model/hash-range.ts'
import type { Shard } from '../model/shard.ts'
import type { Stream } from '../model/stream.ts'

export interface Entry {
  /** Base64. */
  readonly Data?: string
  readonly PartitionKey?: string
  readonly ExplicitHashKey?: string
}

/** The open shard of an entry: by its explicit hash, or by the MD5 of its key. */
export function routeEntry(stream: Stream, { Data, PartitionKey, ExplicitHashKey }: Entry): Shard {
  if (ExplicitHashKey !== undefined) {
    if (!/^(0|[1-9]\d{0,38})$/.test(ExplicitHashKey) || BigInt(ExplicitHashKey) > MAX_HASH) {
      throw new ServiceError(
        'InvalidArgumentException',
        `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${ExplicitHashKey}`,
      )
    }
    return stream.route(hashHex(BigInt(ExplicitHashKey)))
  }
  // By what is in it: the same key comes to many shards.
  if (stream.distribution === 'AUTO') return stream.route(hash('md5', `${Data}${PartitionKey}`))
  if (PartitionKey === undefined) {
    throw new ServiceError(
      'ValidationException',
      "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null",
    )
  }
  return stream.route(hash('md5', PartitionKey))
}

/** Of data and key. Throws what the service says of an entry that is too large. */
export function entryBytes(stream: Stream, entry: Entry, checked: boolean): { data: number; all: number } {
  const { Data, PartitionKey } = entry
  if (Data === undefined) {
    throw new ServiceError(
      'ValidationException',
      "1 validation error detected: Value null at 'data' failed to satisfy constraint: Member must not be null",
    )
  }
  const data = base64Bytes(Data)
  const all = data + (PartitionKey === undefined ? 0 : Buffer.byteLength(PartitionKey))
  if (PartitionKey !== undefined && (PartitionKey === '' || PartitionKey.length > 256)) {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value at 'partitionKey' failed to satisfy constraint: Member must have length between 1 and 256`,
    )
  }
  if (checked && all > stream.maxRecordKiB * 1_024) {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to ${stream.maxRecordKiB * 1_024}`,
    )
  }
  return { data, all }
}

function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (text.length / 4) * 3 - padding
}
