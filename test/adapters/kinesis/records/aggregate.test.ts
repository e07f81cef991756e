import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Aggregate,
  AggregateWriter,
  aggregateOfOneBytes,
  sealAggregates,
  userRecordsOf,
} from '../../../../adapters/kinesis/records/index.ts'
import { runs } from '../../../properties/runs.ts'
import { anyRecord, recordOf } from '../../../src/formats/record-batch/record-of.ts'
import { append, WireEncoder } from '../support/wire-encoder.ts'
import { decodeKpl, encodeKpl, type KplMessage } from './kpl-messages.ts'
import { kplPackage } from './kpl-package.ts'

const NO_LIMIT = 2 ** 30

function aggregateOf(records: readonly ReturnType<typeof recordOf>[]): Buffer {
  const encoder = new WireEncoder()
  const writer = new AggregateWriter()
  for (const record of records) expect(append(writer, encoder.encode(record), NO_LIMIT)).toBe(true)
  return writer.finish()
}

function read(bytes: Uint8Array): Aggregate {
  const aggregate = Aggregate.read(bytes)
  if (aggregate === undefined) throw new Error('not an aggregate')
  return aggregate
}

const indexes = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('the bytes of an aggregate, one by one', () => {
  const writer = new AggregateWriter()
  const encoder = new WireEncoder()
  const [a, b] = ['a', 'b'].map((key) => encoder.encode(recordOf({ key, value: `${key}!` })))
  append(writer, a!, NO_LIMIT)
  append(writer, b!, NO_LIMIT, '1000')
  append(
    writer,
    encoder.encode(recordOf({ key: 'a', value: '', headers: [{ name: 'n', value: null }] })),
    NO_LIMIT,
  )
  const message = [
    '0a0161', // partition_key_table: a
    '0a0162', // b
    '120431303030', // explicit_hash_key_table: 1000
    '1a06', // a record of 6 bytes
    '0800', // partition_key_index 0
    '1a026121', // data: a!
    '1a08',
    '0801',
    '1000', // explicit_hash_key_index 0
    '1a026221',
    '1a09',
    '0800',
    '1a00',
    '2203', // a tag of 3 bytes
    '0a016e', // key: n
  ].join('')
  const md5 = createHash('md5').update(message, 'hex').digest('hex')
  expect(writer.sizeBytes).toBe(20 + message.length / 2)
  expect(writer.finish().toString('hex')).toBe(`f3899ac2${message}${md5}`)
  expect([writer.count, writer.sizeBytes]).toEqual([0, 20])
})

describe('ours and a protobuf library', () => {
  const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  const tag = fc.record(
    { key: fc.string({ unit: 'grapheme', maxLength: 12 }), value: fc.string() },
    { requiredKeys: ['key'] },
  )
  const message: fc.Arbitrary<KplMessage> = fc
    .record({
      partition_key_table: fc.array(key, { minLength: 1, maxLength: 200 }),
      explicit_hash_key_table: fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String), {
        maxLength: 4,
      }),
    })
    .chain((tables) => {
      const record = {
        partition_key_index: fc.nat(tables.partition_key_table.length - 1),
        data: fc.uint8Array({ maxLength: 300 }),
        tags: fc.array(tag, { maxLength: 3 }),
      }
      const hashKeys = tables.explicit_hash_key_table.length
      const hashKey = fc.option(fc.nat(Math.max(0, hashKeys - 1)), { nil: undefined })
      const records = fc.array(
        fc.record({
          ...record,
          explicit_hash_key_index: hashKeys === 0 ? fc.constant(undefined) : hashKey,
        }),
        { maxLength: 50 },
      )
      return records.map((list) => ({ ...tables, records: list }))
    })

  test('read the same from what the library wrote', () => {
    fc.assert(
      fc.property(message, (written) => {
        const aggregate = read(encodeKpl(written))
        expect(aggregate.count).toBe(written.records.length)
        written.records.forEach((record, i) => {
          const partitionKey = written.partition_key_table[record.partition_key_index]!
          expect(aggregate.partitionKey(i)).toBe(partitionKey)
          expect(Buffer.from(aggregate.data(i))).toEqual(Buffer.from(record.data))
          const hashKey = written.explicit_hash_key_table?.[record.explicit_hash_key_index ?? -1]
          expect(aggregate.explicitHashKey(i)).toBe(hashKey)
          const md5 = BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
          expect(aggregate.hashKey(i)).toBe(hashKey === undefined ? md5 : BigInt(hashKey))
          const foreign = (record.tags ?? []).filter((each) => !each.key.startsWith('millrace.'))
          expect(aggregate.headers(i).map(({ name }) => name)).toEqual(foreign.map((each) => each.key))
          expect(aggregate.headers(i).map(({ value }) => value && String(value))).toEqual(
            foreign.map((each) => (each.value === undefined ? null : Buffer.from(each.value).toString())),
          )
        })
      }),
      runs(300),
    )
  })

  test('write the same bytes, and their number is known before', () => {
    const hashKey = fc.option(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.tuple(anyRecord, hashKey), { maxLength: 40 }), (records) => {
        const encoder = new WireEncoder()
        const writer = new AggregateWriter()
        for (const [record, explicit] of records) append(writer, encoder.encode(record), NO_LIMIT, explicit)
        const { count, sizeBytes } = writer
        const bytes = writer.finish()
        expect([count, sizeBytes]).toEqual([records.length, bytes.length])
        expect(bytes).toEqual(encodeKpl(decodeKpl(bytes)))
      }),
      runs(300),
    )
  })
})

describe('ours and aws-kinesis-agg', () => {
  // Not its keys like integers, which it puts into another order, nor characters it does not count.
  const key = fc.string({ unit: fc.constantFrom(...'abcxyz-_:'), minLength: 1, maxLength: 20 })
  const records = fc.array(fc.tuple(key, fc.uint8Array({ minLength: 1, maxLength: 200 })), {
    minLength: 1,
    maxLength: 60,
  })

  test('write the same bytes', () => {
    fc.assert(
      fc.property(records, (list) => {
        const theirs = new kplPackage.RecordAggregator()
        for (const [partitionKey, data] of list)
          theirs.addUserRecord({ partitionKey, data: Buffer.from(data) })
        const ours = aggregateOf(list.map(([each, value]) => recordOf({ key: each, value })))
        expect(Buffer.from(theirs.build().data)).toEqual(ours)
      }),
      runs(200),
    )
  })

  test('read the same', () => {
    fc.assert(
      fc.property(records, (list) => {
        const data = aggregateOf(list.map(([each, value]) => recordOf({ key: each, value })))
        const theirs: string[][] = []
        const record = { data, partitionKey: 'x', sequenceNumber: '1' }
        kplPackage.deaggregateSync(record, true, (error, found) => {
          if (error) throw error
          for (const each of found ?? []) theirs.push([each.partitionKey, each.data])
        })
        const ours = read(data)
        expect(theirs).toEqual(
          indexes(ours.count).map((i) => [
            ours.partitionKey(i),
            Buffer.from(ours.data(i)).toString('base64'),
          ]),
        )
      }),
      runs(200),
    )
  })

  test('differ where it corrupts: keys like integers keep their records', () => {
    const keys = ['10', '2', 'x', '1', '2']
    const ours = read(aggregateOf(keys.map((each) => recordOf({ key: each, value: `of ${each}` }))))
    expect(indexes(5).map((i) => ours.partitionKey(i))).toEqual(keys)
    expect(indexes(5).map((i) => String(ours.value(i)))).toEqual(keys.map((each) => `of ${each}`))
  })
})

test('any record comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), (records) => {
      const aggregate = read(aggregateOf(records))
      expect(aggregate.count).toBe(records.length)
      const bytes = (value: Uint8Array | null): Buffer | null => value && Buffer.from(value)
      records.forEach((record, i) => {
        expect(bytes(aggregate.key(i))).toEqual(bytes(record.key))
        expect(bytes(aggregate.value(i))).toEqual(bytes(record.value))
        expect(aggregate.timestamp(i)).toBe(record.timestamp)
        expect(aggregate.mayHaveHeaders(i)).toBe(record.headers.length > 0)
        expect(aggregate.headers(i).map((each) => [each.name, bytes(each.value)])).toEqual(
          record.headers.map((each) => [each.name, bytes(each.value)]),
        )
        expect(aggregate.origin(i)).toBeUndefined()
      })
    }),
    runs(300),
  )
})

test('append refuses what does not fit, and is as it was', () => {
  const encoder = new WireEncoder()
  const writer = new AggregateWriter()
  const [small, large] = [10, 900].map((size) =>
    encoder.encode(recordOf({ key: 'k', value: 'v'.repeat(size) })),
  )
  const largeBytes = aggregateOfOneBytes(large!.key, large!.data, large!.tags)
  expect(append(writer, small!, 1000)).toBe(true)
  const { sizeBytes } = writer
  expect(append(writer, large!, sizeBytes + 900)).toBe(false)
  expect([writer.count, writer.sizeBytes]).toEqual([1, sizeBytes])
  // 900 of data, its tag and length of two bytes, the key's index of two, and as many as these for the whole record.
  expect(append(writer, large!, sizeBytes + 908)).toBe(true)
  expect(writer.finish().length).toBe(sizeBytes + 908)
  expect(append(writer, large!, largeBytes - 1)).toBe(false)
  expect(append(writer, large!, largeBytes)).toBe(true)
  expect(writer.finish().length).toBe(largeBytes)
})

test('many are sealed and read at once as one by one', () => {
  const sizes = [1, 300, 300, 299, 5, 2_000, 300, 300, 301, 302, 4_000, 0]
  const encoder = new WireEncoder()
  const writer = new AggregateWriter()
  const made = sizes.map((size) => {
    const wire = encoder.encode(recordOf({ key: 'k', value: 'v'.repeat(size * 100) }))
    append(writer, wire, NO_LIMIT)
    const sealed = writer.finish()
    append(writer, wire, NO_LIMIT)
    return { sealed, unsealed: writer.finishUnsealed() }
  })
  sealAggregates(made.map(({ unsealed }) => unsealed))
  for (const { sealed, unsealed } of made) expect(unsealed.equals(sealed)).toBe(true)
  const damaged = Buffer.from(made[1]!.sealed)
  damaged[damaged.length - 20]! ^= 1
  const datas = [
    ...made.map(({ sealed }) => sealed),
    damaged,
    Buffer.from('f3899ac2', 'hex'),
    Buffer.alloc(0),
  ]
  const found = Aggregate.readAll(datas)
  expect(found.map((each) => each?.value(0)?.length)).toEqual([
    ...sizes.map((size) => size * 100),
    ...[undefined, undefined, undefined],
  ])
})

test('a key stands once in an aggregate, however many records it has', () => {
  const same = aggregateOf(Array.from({ length: 100 }, () => recordOf({ key: 'the-same-key', value: 'v' })))
  expect(decodeKpl(same).partition_key_table).toEqual(['the-same-key'])
})

test('the first record outside a range of hash keys is found', () => {
  const aggregate = read(aggregateOf(['a', 'b', 'c'].map((key) => recordOf({ key, value: 'v' }))))
  const hashKeys = indexes(3).map((i) => aggregate.hashKey(i))
  // 0cc1…, 92eb…, 4a8a…
  expect(aggregate.firstOutside(0n, 2n ** 128n - 1n)).toBe(-1)
  expect(aggregate.firstOutside(hashKeys[0]!, hashKeys[1]!)).toBe(-1)
  expect(aggregate.firstOutside(0n, hashKeys[1]! - 1n)).toBe(1)
  expect(aggregate.firstOutside(hashKeys[0]! + 1n, hashKeys[1]!)).toBe(0)
})

test('keyHash is of the key alone, whatever else its record has', () => {
  for (const key of ['k', '', Buffer.from([0xff, 0]), 'x'.repeat(300)]) {
    const aggregate = read(
      aggregateOf([recordOf({ key, value: '1' }), recordOf({ key, headers: [{ name: 'h', value: null }] })]),
    )
    expect(aggregate.keyHash(0)).toBe(aggregate.keyHash(1))
  }
  const plain = userRecordsOf('k', Buffer.from('1'))
  expect(plain.keyHash(0)).toBe(read(aggregateOf([recordOf({ key: 'k' })])).keyHash(0))
  const nulls = read(aggregateOf(Array.from({ length: 400 }, () => recordOf({ value: 'v' }))))
  expect(new Set(indexes(400).map((i) => nulls.keyHash(i))).size).toBeGreaterThan(50)
})
