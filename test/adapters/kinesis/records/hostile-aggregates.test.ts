import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Aggregate, AggregateWriter, userRecordsOf } from '../../../../adapters/kinesis/records/index.ts'
import { runs } from '../../../properties/runs.ts'
import { anyRecord, recordOf } from '../../../src/formats/record-batch/record-of.ts'
import { append, WireEncoder } from '../support/wire-encoder.ts'
import { frame } from './kpl-messages.ts'

function aggregateOf(records: readonly ReturnType<typeof recordOf>[], producer?: string): Buffer {
  const encoder = new WireEncoder(producer)
  const writer = new AggregateWriter()
  for (const record of records) append(writer, encoder.encode(record), 2 ** 30, '5')
  return writer.finish()
}

const messageOf = (aggregate: Buffer): Buffer => aggregate.subarray(4, -16)

/** Looks at everything; nothing may throw or reach beyond the bytes. Resolves to how many records there were, or -1. */
function readAll(bytes: Buffer): number {
  const aggregate = Aggregate.read(bytes)
  if (aggregate === undefined) {
    const raw = userRecordsOf('key', bytes)
    expect([raw.count, raw.aggregated, raw.value(0)]).toEqual([1, false, bytes])
    return -1
  }
  for (let i = 0; i < aggregate.count; i++) {
    for (const part of [aggregate.key(i), aggregate.value(i), aggregate.data(i)]) {
      if (part !== null && part.length > bytes.length) throw new Error('longer than all there is')
    }
    aggregate.headers(i)
    aggregate.timestamp(i)
    aggregate.origin(i)
    aggregate.keyHash(i)
    aggregate.hashKey(i)
    aggregate.partitionKey(i)
    aggregate.explicitHashKey(i)
  }
  return aggregate.count
}

const good = aggregateOf([
  recordOf({ key: 'key', value: 'value', timestamp: 5, headers: [{ name: 'n', value: Buffer.from('v') }] }),
  recordOf({ value: null }),
])

test('every flipped bit behind the magic makes it a plain record, as does every truncation', () => {
  expect(readAll(good)).toBe(2)
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good)
    bad[bit >> 3]! ^= 1 << (bit & 7)
    expect(readAll(bad)).toBe(-1)
  }
  for (let length = 0; length < good.length; length++) expect(readAll(good.subarray(0, length))).toBe(-1)
})

test('random damage under a checksum that is right', () => {
  const damage = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) })
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 6 }),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      (records, damages) => {
        const message = Buffer.from(messageOf(aggregateOf(records, 'p')))
        for (const { at, byte } of damages) message[Math.floor(at * (message.length - 1))] = byte
        readAll(frame(message))
      },
    ),
    runs(1000),
  )
})

test('random bytes under a checksum that is right', () => {
  const piece = fc.oneof(
    fc.constantFrom(0x0a, 0x12, 0x1a, 0x22, 0x08, 0x10, 0, 1, 2, 3, 0x80, 0xff),
    fc.nat(255),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (bytes) => {
      readAll(frame(Buffer.from(bytes)))
    }),
    runs(5000),
  )
})

test('bytes that stand before or behind the aggregate in memory are no part of it', () => {
  const around = Buffer.concat([Buffer.alloc(7, 0xff), good, Buffer.alloc(7, 0xff)])
  const view = new Uint8Array(around.buffer, around.byteOffset + 7, good.length)
  const aggregate = Aggregate.read(view)!
  expect([String(aggregate.key(0)), String(aggregate.value(0)), aggregate.key(1)]).toEqual([
    'key',
    'value',
    null,
  ])
})

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('structures', () => {
  test.each([
    ['an index beyond the table', '0a0161 1a05 0801 1a0178'],
    ['an index of 2^63', '0a0161 1a0d 0880808080808080808001 1a00'],
    ['an index of 2^31', '0a0161 1a09 088080808008 1a0178'],
    ['a hash key index beyond its table', '0a0161 1a07 0800 1000 1a0178'],
    ['a hash key that is no number', '0a0161 120178 1a05 0800 1a0178'],
    ['a hash key without digits', '0a0161 1200 1a05 0800 1a0178'],
    ['a record without key index', '0a0161 1a03 1a0178'],
    ['a record without data', '0a0161 1a02 0800'],
    ['a tag without key', '0a0161 1a09 0800 1a0178 2202 1200'],
    ['a record longer than the message', '0a0161 1a7f 0800 1a0178'],
    ['data longer than its record', '0a0161 1a05 0800 1a0278 0a0162'],
    ['a length of 2^32 - 1', '0a0161 1affffffff0f 0800'],
    ['a length of 2^63', '0a80808080808080808001 61'],
    ['a number that does not end', '0affffffffffffffffffffff'],
    ['a group', '0a0161 0b 0c'],
    ['field 0', '0a0161 0000'],
    ['field 0 in a record', '0a0161 1a07 0800 1a0178 0000'],
    ['a fixed field that is cut', '0a0161 31 0000'],
  ])('%s: a plain record', (_, message) => {
    expect(readAll(frame(hex(message)))).toBe(-1)
  })

  test.each([
    ['no records', '0a0161', 0],
    ['tables behind the records', '1a05 0800 1a0178 0a0161', 1],
    [
      'fields that nobody knows',
      '2a0178 3105060708090a0b0c 0a0161 1a0a 0800 2801 1a0178 320161 3d01020304',
      1,
    ],
    ['an index in more bytes than it needs', '0a0161 1a08 0880808000 1a0178', 1],
    ['a field that comes again: the last counts', '0a0161 0a0162 1a0a 0801 0800 1a0179 1a0178', 1],
    ['a known field of another type', '0a0161 1a07 0800 1a0178 1805', 1],
  ])('%s: records', (_, message, count) => {
    const bytes = frame(hex(message))
    expect(readAll(bytes)).toBe(count)
    if (count > 0) expect(String(Aggregate.read(bytes)!.value(0))).toBe('x')
    if (count > 0) expect(String(Aggregate.read(bytes)!.key(0))).toBe('a')
  })

  test('nothing between magic and checksum is a plain record, as KCL has it', () => {
    expect(readAll(frame(Buffer.alloc(0)))).toBe(-1)
  })
})

test('what ours mean by tags may be anything', () => {
  const tagged = (name: string, value: string): Aggregate => {
    const tag = Buffer.concat([
      Buffer.from([0x0a, name.length]),
      Buffer.from(name),
      Buffer.from([0x12, value.length]),
      Buffer.from(value),
    ])
    const record = Buffer.concat([hex('0800 1a0178'), Buffer.from([0x22, tag.length]), tag])
    return Aggregate.read(frame(Buffer.concat([hex('0a0161'), Buffer.from([0x1a, record.length]), record])))!
  }
  expect(tagged('millrace.timestamp', 'soon').timestamp(0)).toBeUndefined()
  expect(tagged('millrace.timestamp', '-5').timestamp(0)).toBe(-5)
  expect(String(tagged('millrace.value', 'nil').value(0))).toBe('x')
  expect(tagged('millrace.sequence', '1').origin(0)).toBeUndefined()
  expect(tagged('millrace.unknown', '1').headers(0)).toEqual([])
  expect(tagged('millrace.unknown', '1').mayHaveHeaders(0)).toBe(false)
  expect(tagged('millrace.key', '!!!').key(0)).toEqual(Buffer.alloc(0))
})

test('a megabyte of the smallest parts is read soon and in proportion', () => {
  const parts = Buffer.concat([
    hex('0a00'),
    Buffer.concat(Array.from({ length: 170_000 }, () => hex('1a04 0800 1a00'))),
  ])
  const before = process.memoryUsage().arrayBuffers
  const from = performance.now()
  const aggregate = Aggregate.read(frame(parts))!
  expect(performance.now() - from).toBeLessThan(1000)
  expect(aggregate.count).toBe(170_000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(parts.length * 10)
})
