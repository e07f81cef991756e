import { createRecordsBatch, type MessageRecord, Reader, readRecordsBatches } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMPRESSION_NAMES } from '../../../../src/formats/compression.ts'
import { encodeBatch, RecordBatchView, verifyBatch } from '../../../../src/formats/record-batch/index.ts'
import type { EncodedRecord } from '../../../../src/record.ts'
import { anyRecord } from './record-of.ts'

// The codec of @platformatic/kafka, another opinion that shares no line with ours.
const TIMESTAMP = 1_700_000_000_000
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 40 })
const bytesOf = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))

const plain = ({ key, value, headers, timestamp }: EncodedRecord) => ({
  key: bytesOf(key),
  value: bytesOf(value),
  headers: headers.map(({ name, value }) => [Buffer.from(name), bytesOf(value)]),
  timestamp: BigInt(timestamp ?? TIMESTAMP),
})

describe.each(COMPRESSION_NAMES)('%s', (compression) => {
  test('@platformatic/kafka reads what millrace writes', () => {
    fc.assert(
      fc.property(fc.array(anyRecords, { minLength: 1, maxLength: 3 }), fc.nat(2 ** 40), (batches, base) => {
        let baseOffset = base
        const bytes = batches.map((records) => {
          const options = { timestamp: TIMESTAMP, baseOffset, producerId: 2 ** 35, producerEpoch: 4 }
          const batch = encodeBatch(records, undefined, 0, records.length, {
            ...options,
            baseSequence: 9,
            compression,
          })
          baseOffset += records.length
          return batch
        })
        const read = readRecordsBatches(Reader.from(Buffer.concat(bytes)))
        let offset = BigInt(base)
        for (const [b, { records, firstOffset, firstTimestamp, ...header }] of read.entries()) {
          const written = batches[b]!
          expect(header).toMatchObject({ producerId: 2n ** 35n, producerEpoch: 4, firstSequence: 9 })
          expect(firstOffset).toBe(offset)
          expect(
            records.map(({ key, value, headers, timestampDelta }) => {
              return { key, value, headers, timestamp: firstTimestamp + timestampDelta }
            }),
          ).toEqual(written.map(plain))
          expect(records.map(({ offsetDelta }) => offsetDelta)).toEqual(written.map((_, i) => i))
          offset += BigInt(written.length)
        }
        expect(offset).toBe(BigInt(baseOffset))
      }),
      { numRuns: 60 },
    )
  })

  test('millrace reads what @platformatic/kafka writes', () => {
    fc.assert(
      fc.property(anyRecords, (any) => {
        // Its zig-zag of 64 bits shifts by 31: times that lie more than 2^31 ms from the first one come out wrong.
        const near = (timestamp = 0): number => TIMESTAMP + (timestamp % 2 ** 30)
        const records = any.map((record) => ({ ...record, timestamp: near(record.timestamp) }))
        const messages = records.map((record) => {
          const { key, value, headers, timestamp } = plain(record)
          return { topic: 't', key, value, timestamp, headers: new Map(headers as [Buffer, Buffer][]) }
        })
        const bytes = createRecordsBatch(messages as unknown as MessageRecord[], { compression }).buffer
        expect(verifyBatch(bytes, 0, bytes.length)).toEqual({ kind: 'ok', size: bytes.length })
        const view = new RecordBatchView(bytes)
        const read = Array.from({ length: view.count }, (_, i) => ({
          key: view.key(i),
          value: view.value(i),
          headers: view.headers(i),
          timestamp: view.timestamp(i),
          partition: undefined,
        }))
        expect(read.map(plain)).toEqual(records.map(plain))
      }),
      { numRuns: 60 },
    )
  })
})
