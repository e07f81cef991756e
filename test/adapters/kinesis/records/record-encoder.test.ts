import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { standsAlone } from '../../../../adapters/kinesis/producing/put-request.ts'
import { Aggregate, AggregateWriter, userRecordsOf } from '../../../../adapters/kinesis/records/index.ts'
import { recordOf } from '../../../src/formats/record-batch/record-of.ts'
import { append, WireEncoder } from '../support/wire-encoder.ts'
import { decodeKpl } from './kpl-messages.ts'

const encoder = new WireEncoder()

function aggregateOf(parts: Parameters<typeof recordOf>[0], by = encoder): Buffer {
  const writer = new AggregateWriter()
  append(writer, by.encode(recordOf(parts)), 2 ** 30)
  return writer.finish()
}

const md5 = (bytes: string | Uint8Array): string => createHash('md5').update(bytes).digest('hex')

test.each([
  ['text', 'customer-1'],
  ['one character', 'x'],
  ['256 characters', 'é'.repeat(256)],
  ['a byte order mark and controls', '\ufeff\u0000\n"'],
])('a plain record stands alone: %s', (_, key) => {
  const wire = encoder.encode(recordOf({ key, value: 'v' }))
  expect([wire.key.text, wire.tags, standsAlone(wire.data, wire.tags)]).toEqual([key, null, true])
  expect(wire.key.hashKey).toBe(BigInt(`0x${md5(key)}`))
  const decoded = userRecordsOf(wire.key.text, wire.data)
  expect([decoded.count, decoded.aggregated]).toEqual([1, false])
  expect([String(decoded.key(0)), String(decoded.value(0))]).toEqual([key, 'v'])
  expect([decoded.headers(0), decoded.mayHaveHeaders(0), decoded.timestamp(0)]).toEqual([
    [],
    false,
    undefined,
  ])
})

test.each<[string, Parameters<typeof recordOf>[0]]>([
  ['no key', { value: 'v' }],
  ['an empty key', { key: '', value: 'v' }],
  ['a binary key', { key: Buffer.from([0xff]), value: 'v' }],
  ['a key of half a surrogate', { key: Buffer.from([0xed, 0xa0, 0x80]), value: 'v' }],
  ['a key of 257 characters', { key: 'k'.repeat(257), value: 'v' }],
  ['a tombstone', { key: 'k', value: null }],
  ['a timestamp', { key: 'k', value: 'v', timestamp: 0 }],
  ['a header', { key: 'k', value: 'v', headers: [{ name: '', value: null }] }],
  ["KPL's magic", { key: 'k', value: Buffer.from('f3899ac2', 'hex') }],
])('does not stand alone, and comes back from an aggregate: %s', (_, parts) => {
  const record = recordOf(parts)
  const wire = encoder.encode(record)
  expect(standsAlone(wire.data, wire.tags)).toBe(false)
  expect(wire.key.text.length).toBeGreaterThan(0)
  expect(wire.key.text.length).toBeLessThanOrEqual(256)
  expect(wire.key.hashKey).toBe(BigInt(`0x${md5(wire.key.text)}`))
  const decoded = userRecordsOf('any', aggregateOf(parts))
  expect([decoded.count, decoded.aggregated]).toEqual([1, true])
  const bytes = (value: Uint8Array | null): string | null => value && Buffer.from(value).toString('hex')
  expect(bytes(decoded.key(0))).toBe(bytes(record.key))
  expect(bytes(decoded.value(0))).toBe(bytes(record.value))
  expect(decoded.headers(0)).toEqual(record.headers)
  expect(decoded.timestamp(0)).toBe(record.timestamp)
})

test('keys that are no partition keys hash the same from every producer, null keys do not', () => {
  for (const key of ['', Buffer.from([0xff, 0x00]), 'x'.repeat(300)]) {
    const [one, other] = [new WireEncoder(), new WireEncoder()].map((each) => each.encode(recordOf({ key })))
    expect(one!.key.text).toBe(md5(typeof key === 'string' ? Buffer.from(key) : key))
    expect(other!.key.hashKey).toBe(one!.key.hashKey)
  }
  const random = new Set(Array.from({ length: 400 }, () => encoder.encode(recordOf({})).key.text))
  expect(random.size).toBeGreaterThanOrEqual(100)
})

test('tags, as a reader that knows only KPL sees them', () => {
  const parts = {
    key: Buffer.from([0xff]),
    value: null,
    timestamp: 1234,
    headers: [
      { name: 'text', value: Buffer.from('grüße') },
      { name: 'text', value: null },
      { name: 'bytes', value: Buffer.from([0xff, 0xfe]) },
      { name: 'millrace.key', value: Buffer.from('mine') },
      { name: 'millrace.base64.x', value: Buffer.from([0x80]) },
    ],
  }
  const [record] = decodeKpl(aggregateOf(parts, new WireEncoder('p1'))).records
  expect(record!.data.length).toBe(0)
  expect(record!.tags).toEqual([
    { key: 'millrace.key', value: '/w==' },
    { key: 'millrace.value', value: 'null' },
    { key: 'millrace.timestamp', value: '1234' },
    { key: 'millrace.producer', value: 'p1' },
    { key: 'millrace.sequence', value: '0' },
    { key: 'text', value: 'grüße' },
    { key: 'text' },
    { key: 'millrace.base64.bytes', value: '//4=' },
    { key: 'millrace.header.millrace.key', value: 'mine' },
    { key: 'millrace.base64.millrace.base64.x', value: 'gA==' },
  ])
  expect(Aggregate.read(aggregateOf(parts))!.headers(0)).toEqual(parts.headers)
})

describe('dedupe', () => {
  test('every record says who wrote it and as which', () => {
    const numbering = new WireEncoder('me')
    const writer = new AggregateWriter()
    for (const key of ['a', 'b', 'a']) {
      const wire = numbering.encode(recordOf({ key, value: 'v' }))
      expect(standsAlone(wire.data, wire.tags)).toBe(false)
      append(writer, wire, 2 ** 30)
    }
    const aggregate = Aggregate.read(writer.finish())!
    expect([0, 1, 2].map((i) => aggregate.origin(i))).toEqual(
      [0, 1, 2].map((sequence) => ({ producer: 'me', sequence })),
    )
    expect(aggregate.mayHaveHeaders(0)).toBe(false)
    expect(aggregate.headers(0)).toEqual([])
  })
})

test('a record without partition key, where the service distributes records itself, has a null key', () => {
  const decoded = userRecordsOf(undefined, Buffer.from('v'))
  expect([decoded.key(0), String(decoded.value(0))]).toEqual([null, 'v'])
})
