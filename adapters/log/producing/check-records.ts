import { type EncodedRecord, type Header, StreamError } from '../../../src/driver.ts'

/** What a record's size is: bytes of key, value and headers. */
export function recordBytes({ key, value, headers }: EncodedRecord): number {
  const size = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  return headers.length === 0 ? size : size + headerBytes(headers)
}

/** Why a call cannot be sent, if it cannot: RECORD_TOO_LARGE, or INVALID_ARGUMENT for a timestamp. Nothing of it may have been sent. */
export function checkRecords(
  topic: string,
  records: readonly EncodedRecord[],
  maxRecordBytes: number,
): StreamError | undefined {
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    const size = recordBytes(record)
    if (size > maxRecordBytes) {
      return new StreamError(
        'RECORD_TOO_LARGE',
        `record ${i} of the call has ${size} bytes of key, value and headers, topic '${topic}' takes ${maxRecordBytes}: ` +
          'send less in one record, or create the topic with a larger maxRecordBytes',
        { topic },
      )
    }
    const { timestamp } = record
    if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
      return new StreamError(
        'INVALID_ARGUMENT',
        `record ${i} of the call has the timestamp ${timestamp}: give whole milliseconds since 1970`,
        { topic },
      )
    }
  }
  return undefined
}

function headerBytes(headers: readonly Header[]): number {
  let size = 0
  for (const { name, value } of headers) size += Buffer.byteLength(name) + (value === null ? 0 : value.length)
  return size
}
