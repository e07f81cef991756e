import { StreamError } from '../../../src/driver.ts'
import type { Item } from './item.ts'
import { entryBytes } from './put-entry.ts'

export interface RecordLimits {
  readonly stream: string
  /** Of key, value and headers. */
  readonly maxRecordBytes: number
  /** Of partition key and data, as the service counts them. */
  readonly maxEntryBytes: number
}

/** Why a record cannot be sent, if it cannot. */
export function checkItem(item: Item, limits: RecordLimits): StreamError | undefined {
  const { stream, maxRecordBytes, maxEntryBytes } = limits
  const { key, value, headers, timestamp } = item.call.records[item.index]!
  let size = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  for (const header of headers) {
    size += Buffer.byteLength(header.name) + (header.value === null ? 0 : header.value.length)
  }
  if (size > maxRecordBytes) {
    return new StreamError(
      'RECORD_TOO_LARGE',
      `record ${item.index} of the call has ${size} bytes of key, value and headers, stream '${stream}' takes ${maxRecordBytes}: send less in one record, or raise the stream's limit (UpdateMaxRecordSize)`,
      { topic: stream },
    )
  }
  if (entryBytes(item) > maxEntryBytes) {
    return new StreamError(
      'RECORD_TOO_LARGE',
      `record ${item.index} of the call takes ${entryBytes(item)} bytes with what stands around it (headers and times are tags of an aggregate), stream '${stream}' takes ${maxEntryBytes}: send less in one record, or raise the stream's limit (UpdateMaxRecordSize)`,
      { topic: stream },
    )
  }
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
    return new StreamError(
      'INVALID_ARGUMENT',
      `record ${item.index} of the call has the timestamp ${timestamp}: give whole milliseconds since 1970`,
      { topic: stream },
    )
  }
  return undefined
}
