import type { PutRecordsInput } from '@aws-sdk/client-kinesis'

/** Of one entry beside its data and keys. */
const ENTRY_BYTES = 100
/** Short texts are joined up to about this before they are written: each write is a call out of JavaScript. */
const CHUNK_LENGTH = 8_192
/** Longer data are written on their own: joined, they would be copied once more. */
const JOINED_BYTES = 2_048
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The body of a PutRecords, as the SDK would write it, at the beginning of what `room` gives for at least so many bytes. */
export function putRecordsBody(
  { StreamName, StreamARN, Records = [] }: PutRecordsInput,
  room: (bytes: number) => Buffer<ArrayBuffer>,
): Buffer<ArrayBuffer> {
  let chunk = `${JSON.stringify({ StreamName, StreamARN }).slice(0, -1)},"Records":[`
  let most = chunk.length * 3 + 2
  for (const { Data, PartitionKey } of Records) {
    // A character is six bytes at most, escaped.
    most += ENTRY_BYTES + Math.ceil(Data!.length / 3) * 4 + PartitionKey!.length * 6
  }
  const body = room(most)
  let at = 0
  for (let i = 0; i < Records.length; i++) {
    const { Data, PartitionKey, ExplicitHashKey } = Records[i]!
    const hashKey = ExplicitHashKey === undefined ? '' : `,"ExplicitHashKey":"${ExplicitHashKey}"`
    chunk += i === 0 ? '{"Data":"' : ',{"Data":"'
    const data = base64(Data!)
    if (Data!.length <= JOINED_BYTES) chunk += data
    else {
      at += body.write(chunk, at)
      at += body.write(data, at, 'latin1')
      chunk = ''
    }
    chunk += `","PartitionKey":${quoted(PartitionKey!)}${hashKey}}`
    if (chunk.length < CHUNK_LENGTH) continue
    at += body.write(chunk, at)
    chunk = ''
  }
  at += body.write(`${chunk}]}`, at)
  return body.subarray(0, at)
}

function base64(data: Uint8Array): string {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return bytes.toString('base64')
}

function quoted(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const plain = code >= 0x20 && code < 0xd800 && code !== QUOTE && code !== BACKSLASH
    if (!plain) return JSON.stringify(text)
  }
  return `"${text}"`
}
