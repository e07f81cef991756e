import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeBatch, RecordBatchView, verifyBatch } from '../../../../src/formats/record-batch/index.ts'
import type { Header } from '../../../../src/record.ts'
import { anyRecord, recordOf } from './record-of.ts'

// kafkajs's own codec, a second opinion that shares no line with ours.
const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js')
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js')
const Decoder = require('kafkajs/src/protocol/decoder.js')
const Long = require('kafkajs/src/utils/long.js')

const RECORDS = [
  recordOf({ key: 'key', value: 'value', timestamp: 1_700_000_000_000 }),
  recordOf({ value: Buffer.alloc(70_000, 'large'), timestamp: 1_700_000_000_001 }),
  recordOf({ key: '', timestamp: 1_600_000_000_000 }),
  recordOf({
    key: Buffer.from([0, 255, 128]),
    value: '',
    timestamp: 1_800_000_000_000,
    headers: [
      { name: 'twice', value: Buffer.from('1') },
      { name: 'twice', value: Buffer.from([255]) },
      { name: 'größe', value: Buffer.alloc(0) },
    ],
  }),
]

// kafkajs takes an object of names to values.
function valuesByName(headers: readonly Header[]): Record<string, (Uint8Array | null)[]> {
  const byName: Record<string, (Uint8Array | null)[]> = {}
  for (const { name, value } of headers) (byName[name] ??= []).push(value)
  return byName
}

test.each(['none', 'gzip'] as const)('kafkajs reads what millrace writes, %s', async (compression) => {
  const bytes = encodeBatch(RECORDS, undefined, 0, RECORDS.length, {
    timestamp: 0,
    baseOffset: 2 ** 40,
    producerId: 2 ** 35,
    producerEpoch: 4,
    baseSequence: 9,
    transactional: true,
    compression,
  })
  const decoded = await decodeBatch(new Decoder(bytes))
  expect(decoded).toMatchObject({
    firstOffset: String(2 ** 40),
    lastOffsetDelta: RECORDS.length - 1,
    producerId: String(2 ** 35),
    producerEpoch: 4,
    firstSequence: 9,
    inTransaction: true,
    isControlBatch: false,
    maxTimestamp: '1800000000000',
  })
  for (const [i, record] of RECORDS.entries()) {
    const read = decoded.records[i]
    expect(read.key).toEqual(record.key)
    expect(read.value).toEqual(record.value)
    expect(read.timestamp).toBe(String(record.timestamp))
    expect(read.offset).toBe(String(2 ** 40 + i))
  }
  expect(decoded.records[3].headers).toEqual({
    twice: [Buffer.from('1'), Buffer.from([255])],
    größe: Buffer.alloc(0),
  })
})

test.each([
  ['none', 0],
  ['gzip', 1],
] as const)('millrace reads what kafkajs writes, %s', async (_, compression) => {
  const first = RECORDS[0]!.timestamp!
  const { buffer } = await RecordBatch({
    compression,
    firstOffset: Long.fromNumber(2 ** 40),
    firstTimestamp: first,
    maxTimestamp: 1_800_000_000_000,
    lastOffsetDelta: RECORDS.length - 1,
    records: RECORDS.map((record, offsetDelta) =>
      encodeRecord({
        offsetDelta,
        timestampDelta: Long.fromNumber(record.timestamp! - first),
        key: record.key,
        value: record.value,
        headers: valuesByName(record.headers),
      }),
    ),
  })
  expect(verifyBatch(buffer, 0, buffer.length)).toEqual({ kind: 'ok', size: buffer.length })
  const view = new RecordBatchView(buffer)
  expect(view.count).toBe(RECORDS.length)
  for (const [i, record] of RECORDS.entries()) {
    expect(view.key(i)).toEqual(record.key)
    expect(view.value(i)).toEqual(record.value)
    expect(view.timestamp(i)).toBe(record.timestamp)
    expect(view.offset(i)).toBe(2 ** 40 + i)
    expect(view.headers(i)).toEqual(record.headers)
  }
})

describe('any records', () => {
  // It knows no headers without a value, and none with the name of what every object has.
  const records = fc.array(
    anyRecord.map((record) => ({
      ...record,
      headers: record.headers
        .filter(({ name }) => !(name in {}))
        .map(({ name, value }) => ({ name, value: Buffer.from(value ?? '') })),
    })),
    { minLength: 1, maxLength: 30 },
  )
  const TIMESTAMP = 1_700_000_000_000
  const bytesOf = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))
  const valuesOf = (headers: Record<string, Buffer | Buffer[]>): string[] =>
    Object.entries(headers).flatMap(([name, values]) =>
      [values].flat().map((value) => `${name}=${value.toString('hex')}`),
    )
  const named = (headers: readonly Header[]): string[] =>
    headers.map(({ name, value }) => `${name}=${Buffer.from(value!).toString('hex')}`)

  test.each(['none', 'gzip'] as const)('kafkajs reads what millrace writes, %s', async (compression) => {
    await fc.assert(
      fc.asyncProperty(records, async (written) => {
        const bytes = encodeBatch(written, undefined, 0, written.length, {
          timestamp: TIMESTAMP,
          compression,
        })
        const decoded = await decodeBatch(new Decoder(bytes))
        expect(decoded.records).toHaveLength(written.length)
        for (const [i, { key, value, timestamp, headers }] of written.entries()) {
          const read = decoded.records[i]
          expect([read.key, read.value]).toEqual([bytesOf(key), bytesOf(value)])
          expect([read.timestamp, read.offset]).toEqual([String(timestamp ?? TIMESTAMP), String(i)])
          expect(valuesOf(read.headers).toSorted()).toEqual(named(headers).toSorted())
        }
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['none', 0],
    ['gzip', 1],
  ] as const)('millrace reads what kafkajs writes, %s', async (_, compression) => {
    await fc.assert(
      fc.asyncProperty(records, async (written) => {
        const times = written.map(({ timestamp }) => timestamp ?? TIMESTAMP)
        const { buffer } = await RecordBatch({
          compression,
          firstOffset: Long.fromNumber(5),
          firstTimestamp: times[0],
          maxTimestamp: Math.max(...times),
          lastOffsetDelta: written.length - 1,
          records: written.map(({ key, value, headers }, offsetDelta) =>
            encodeRecord({
              offsetDelta,
              timestampDelta: Long.fromNumber(times[offsetDelta]! - times[0]!),
              key: bytesOf(key),
              value: bytesOf(value),
              headers: valuesByName(headers),
            }),
          ),
        })
        const view = new RecordBatchView(buffer)
        expect(view.count).toBe(written.length)
        for (const [i, { key, value, headers }] of written.entries()) {
          expect([view.key(i), view.value(i)]).toEqual([bytesOf(key), bytesOf(value)])
          expect([view.timestamp(i), view.offset(i)]).toEqual([times[i], 5 + i])
          expect(named(view.headers(i)).toSorted()).toEqual(named(headers).toSorted())
        }
      }),
      { numRuns: 60 },
    )
  })
})
