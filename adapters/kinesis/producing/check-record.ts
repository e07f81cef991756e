import { StreamError } from '../../../src/driver.ts'
import { partitionKeyOf, type RecordEncoder } from '../records/index.ts'
import { entryBytes } from './put-request.ts'
import { NO_DATA, type SendCall } from './send-call.ts'

export interface RecordLimits {
  readonly stream: string
  /** Of key, value and headers. */
  readonly maxRecordBytes: number
  /** Of partition key and data, as the service counts them. */
  readonly maxEntryBytes: number
}

/** What stands around a record without headers is never more, and its key in base64 less than the key again. */
const MOST_AROUND = 512

/** Why record `index` of a call cannot be sent, if it cannot. Tags that had to be made for it are left with the call. */
export function checkRecord(
  call: SendCall,
  index: number,
  limits: RecordLimits,
  encoder: RecordEncoder,
): StreamError | undefined {
  const record = call.records[index]!
  const { stream, maxRecordBytes, maxEntryBytes } = limits
  const { key, value, headers, timestamp } = record
  let size = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  for (const header of headers) {
    size += Buffer.byteLength(header.name) + (header.value === null ? 0 : header.value.length)
  }
  if (size > maxRecordBytes) {
    return new StreamError(
      'RECORD_TOO_LARGE',
      `record ${index} of the call has ${size} bytes of key, value and headers, stream '${stream}' takes ${maxRecordBytes}: send less in one record, or raise the stream's limit (UpdateMaxRecordSize)`,
      { topic: stream },
    )
  }
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
    return new StreamError(
      'INVALID_ARGUMENT',
      `record ${index} of the call has the timestamp ${timestamp}: give whole milliseconds since 1970`,
      { topic: stream },
    )
  }
  // Few come near to the limit. Headers may turn out to be none, and nothing of the call must be on its way then.
  if (headers.length === 0 && size * 2 + MOST_AROUND <= maxEntryBytes) return undefined
  const partitionKey = key === null ? encoder.randomKey() : partitionKeyOf(key)
  const tags = encoder.tagsOf(record, partitionKey)
  if (tags !== null) call.setTags(index, tags)
  const bytes = entryBytes(partitionKey, value ?? NO_DATA, tags)
  if (bytes <= maxEntryBytes) return undefined
  return new StreamError(
    'RECORD_TOO_LARGE',
    `record ${index} of the call takes ${bytes} bytes with what stands around it (headers and times are tags of an aggregate), stream '${stream}' takes ${maxEntryBytes}: send less in one record, or raise the stream's limit (UpdateMaxRecordSize)`,
    { topic: stream },
  )
}
