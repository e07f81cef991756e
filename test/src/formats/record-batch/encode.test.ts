import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMPRESSION_NAMES } from '../../../../src/formats/compression.ts'
import * as batch from '../../../../src/formats/record-batch/index.ts'
import type { EncodedRecord } from '../../../../src/record.ts'
import { JAVA_BATCHES, JAVA_MARKERS } from './java-batches.ts'
import { anyRecord, recordOf } from './record-of.ts'

const { encodeBatch, RecordBatchView } = batch
const TIMESTAMP = 1_700_000_000_000

function contents(view: batch.RecordBatchView): unknown[] {
  return Array.from({ length: view.count }, (_, i) => ({
    key: plain(view.key(i)),
    value: plain(view.value(i)),
    headers: view.headers(i).map(({ name, value }) => ({ name, value: plain(value) })),
    timestamp: view.timestamp(i),
  }))
}

const plain = (bytes: Uint8Array | null): number[] | null => bytes && [...bytes]
const expected = (record: EncodedRecord): unknown => ({
  key: plain(record.key),
  value: plain(record.value),
  headers: record.headers.map(({ name, value }) => ({ name, value: plain(value) })),
  timestamp: record.timestamp ?? TIMESTAMP,
})

describe.each(COMPRESSION_NAMES)('with compression %s', (compression) => {
  test('whatever is encoded is decoded', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), (records) => {
        const buffer = encodeBatch(records, undefined, 0, records.length, {
          timestamp: TIMESTAMP,
          compression,
        })
        expect(batch.verifyBatch(buffer, 0, buffer.length)).toEqual({ kind: 'ok', size: buffer.length })
        const view = new RecordBatchView(buffer)
        expect(contents(view)).toEqual(records.map(expected))
        expect(view.nextOffset).toBe(records.length)
      }),
      { numRuns: 50 },
    )
  })

  test('a batch of Apache Kafka’s is read', () => {
    const buffer = Buffer.from(JAVA_BATCHES[compression], 'hex')
    expect(batch.verifyBatch(buffer, 0, buffer.length).kind).toBe('ok')
    expect(batch.baseOffset(buffer, 0)).toBe(1234567890123)
    expect(batch.leaderEpoch(buffer, 0)).toBe(9)
    expect(batch.producerId(buffer, 0)).toBe(4_000_000_000)
    expect(batch.producerEpoch(buffer, 0)).toBe(7)
    expect(batch.baseSequence(buffer, 0)).toBe(42)
    expect(batch.isTransactional(buffer, 0)).toBe(true)
    expect(batch.maxTimestamp(buffer, 0)).toBe(1700009999999)
    expect(contents(new RecordBatchView(buffer))).toEqual(JAVA_RECORDS.map(expected))
  })
})

const JAVA_RECORDS = [
  recordOf({ key: 'k1', value: 'value one', timestamp: 1700000000123 }),
  recordOf({ timestamp: 1700000000100 }),
  recordOf({
    key: '',
    value: '',
    timestamp: 1700009999999,
    headers: [
      { name: 'h', value: Buffer.from('x') },
      { name: 'h', value: null },
      { name: 'é', value: Uint8Array.from([0, 255]) },
    ],
  }),
  recordOf({ key: Buffer.alloc(4), value: 'abc'.repeat(100), timestamp: 1600000000000 }),
]

test('the bytes are those of Apache Kafka', () => {
  const buffer = encodeBatch(JAVA_RECORDS, undefined, 0, 4, {
    timestamp: 0,
    baseOffset: 1234567890123,
    producerId: 4_000_000_000,
    producerEpoch: 7,
    baseSequence: 42,
    transactional: true,
  })
  batch.stampBatch(buffer, 0, { baseOffset: 1234567890123, leaderEpoch: 9 })
  expect(buffer.toString('hex')).toBe(JAVA_BATCHES.none)
})

test.each(['commit', 'abort'] as const)('the %s marker is Apache Kafka’s', (type) => {
  const marker = batch.encodeControlBatch({
    type,
    coordinatorEpoch: 12,
    producerId: 4_000_000_000,
    producerEpoch: 3,
    timestamp: TIMESTAMP,
    baseOffset: 77,
  })
  expect(marker.toString('hex')).toBe(JAVA_MARKERS[type])
  expect(batch.isControl(marker, 0)).toBe(true)
  expect(batch.readControlMarker(marker, 0)).toEqual({ type, coordinatorEpoch: 12 })
})

test('data is no control marker, whatever its key', () => {
  const data = encodeBatch(JAVA_RECORDS, undefined, 3, 4, { timestamp: 0, transactional: true })
  expect(batch.readControlMarker(data, 0)).toBeUndefined()
})

test('indexes choose records and their order', () => {
  const records = ['a', 'b', 'c', 'd', 'e'].map((value) => recordOf({ value }))
  const view = new RecordBatchView(encodeBatch(records, [4, 0, 2, 3], 1, 4, { timestamp: 5 }))
  expect([0, 1, 2].map((i) => String(view.value(i)))).toEqual(['a', 'c', 'd'])
  const slice = new RecordBatchView(encodeBatch(records, undefined, 3, 5, { timestamp: 5 }))
  expect([0, 1].map((i) => String(slice.value(i)))).toEqual(['d', 'e'])
})

test('more records than the scratch space holds', () => {
  const records = new Array<EncodedRecord>(20_000).fill(recordOf({ key: 'k', value: 'v' }))
  const view = new RecordBatchView(encodeBatch(records, undefined, 0, records.length, { timestamp: 1 }))
  expect(view.count).toBe(20_000)
  expect(view.offset(19_999)).toBe(19_999)
})

test('the encoder’s result keeps nothing of its input', () => {
  const value = Buffer.from('value')
  const buffer = encodeBatch([recordOf({ value })], undefined, 0, 1, { timestamp: 1 })
  value.fill(0)
  expect(String(new RecordBatchView(buffer).value(0))).toBe('value')
})

test.each(COMPRESSION_NAMES)('memory given by the caller holds the batch, %s', (compression) => {
  const memory = Buffer.alloc(4096, 0xff)
  const given: Buffer[] = []
  const allocate = (size: number): Buffer => {
    given.push(memory.subarray(7, 7 + size))
    return given.at(-1)!
  }
  const options = { timestamp: 1, compression }
  const buffer = encodeBatch(JAVA_RECORDS, undefined, 0, 4, { ...options, allocate })
  expect(given).toHaveLength(1)
  expect(buffer).toBe(given[0])
  expect(buffer.equals(encodeBatch(JAVA_RECORDS, undefined, 0, 4, options))).toBe(true)
})

test('encodedSize is an upper bound, and a close one', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), (records) => {
      const { length } = encodeBatch(records, undefined, 0, records.length, { timestamp: TIMESTAMP })
      const bound = records.reduce((sum, record) => sum + batch.encodedSize(record), batch.HEADER_BYTES)
      expect(length).toBeLessThanOrEqual(bound)
      expect(bound - length).toBeLessThanOrEqual(20 * records.length)
    }),
  )
})

test('an empty range, a fraction for a timestamp and an unsafe producer id are refused', () => {
  const encode = (options: Partial<batch.EncodeBatchOptions>, timestamp = 1) =>
    encodeBatch([recordOf({ timestamp })], undefined, 0, 1, { timestamp, ...options })
  const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
  expect(() => encodeBatch([], undefined, 0, 0, { timestamp: 1 })).toThrow(invalid)
  expect(() => encode({}, 1.5)).toThrow(invalid)
  expect(() => encode({ producerId: 2 ** 60 })).toThrow(invalid)
})
