import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMPRESSION_NAMES, type CompressionName } from '../../../../src/formats/compression.ts'
import * as field from '../../../../src/formats/record-batch/header.ts'
import {
  encodeBatch,
  encodeControlBatch,
  RecordBatchView,
} from '../../../../src/formats/record-batch/index.ts'
import { compact, reseal } from './compact.ts'
import { recordOf } from './record-of.ts'

/** A batch whose record at offset n has value `vn` and timestamp 1000 + n. */
function batchAt(baseOffset: number, count: number, compression: CompressionName = 'none'): Buffer {
  const records = Array.from({ length: count }, (_, i) =>
    recordOf({ key: `k${i % 3}`, value: `v${baseOffset + i}`, timestamp: 1000 + baseOffset + i }),
  )
  return encodeBatch(records, undefined, 0, count, { timestamp: 0, baseOffset, compression })
}

const marker = (baseOffset: number): Buffer =>
  encodeControlBatch({
    type: 'commit',
    coordinatorEpoch: 0,
    producerId: 1,
    producerEpoch: 0,
    timestamp: 5,
    baseOffset,
  })

const offsets = (view: RecordBatchView): number[] =>
  Array.from({ length: view.count }, (_, i) => view.offset(i))
const values = (view: RecordBatchView): string[] =>
  Array.from({ length: view.count }, (_, i) => String(view.value(i)))

describe.each(COMPRESSION_NAMES)('batches of %s', (compression) => {
  const bytes = Buffer.concat([
    Buffer.from('before'),
    batchAt(10, 5, compression),
    batchAt(15, 1),
    batchAt(20, 4, compression),
    Buffer.from('after'),
  ])
  const start = 6
  const end = bytes.length - 5

  test('are one sequence of records', () => {
    const view = new RecordBatchView(bytes, start, end)
    expect(offsets(view)).toEqual([10, 11, 12, 13, 14, 15, 20, 21, 22, 23])
    expect(values(view)).toEqual(offsets(view).map((offset) => `v${offset}`))
    expect(view.timestamp(6)).toBe(1020)
    expect(view.sizeBytes).toBe(end - start)
    expect(view.nextOffset).toBe(24)
    expect(view.lastTimestamp).toBe(1023)
    expect([4, 5, 8, 9].map((i) => view.nextOffsetAfter(i))).toEqual([15, 16, 23, 24])
  })

  test('can be looked at in any order', () => {
    const view = new RecordBatchView(bytes, start, end)
    expect([9, 0, 5, 6, 4, 9].map((i) => String(view.value(i)))).toEqual([
      'v23',
      'v10',
      'v15',
      'v20',
      'v14',
      'v23',
    ])
  })

  test.each([
    [0, 100],
    [10, 24],
    [12, 22],
    [14, 15],
    [15, 16],
    [16, 20],
    [17, 21],
    [23, 24],
    [24, 30],
    [13, 13],
    [0, 5],
  ])('are cut to [%i, %i)', (from, until) => {
    const view = new RecordBatchView(bytes, start, end, { from, until })
    const all = [10, 11, 12, 13, 14, 15, 20, 21, 22, 23]
    expect(offsets(view)).toEqual(all.filter((offset) => offset >= from && offset < until))
    expect(values(view)).toEqual(offsets(view).map((offset) => `v${offset}`))
    // Every offset of the range is either in the view, or before it, or no record's, or at or after
    // nextOffset.
    expect(view.nextOffset).toBeGreaterThanOrEqual(from)
    expect(view.nextOffset).toBeLessThanOrEqual(Math.max(from, until))
    const seen = new Set(offsets(view))
    for (const offset of all) {
      if (offset >= from && offset < view.nextOffset) expect(seen.has(offset)).toBe(true)
    }
  })

  test('after compaction keep their offsets, and are cut by them', () => {
    const plain = batchAt(100, 10)
    const holes = Buffer.concat([
      compact(plain, (i) => i === 2 || i === 5 || i === 8, compression),
      compact(batchAt(110, 3), () => false),
    ])
    const view = new RecordBatchView(holes)
    expect(offsets(view)).toEqual([102, 105, 108])
    expect(values(view)).toEqual(['v102', 'v105', 'v108'])
    expect(view.nextOffset).toBe(113)
    expect([0, 1, 2].map((i) => view.nextOffsetAfter(i))).toEqual([103, 106, 113])
    for (let from = 99; from < 115; from++) {
      for (let until = from; until < 115; until++) {
        const cut = new RecordBatchView(holes, 0, holes.length, { from, until })
        const expected = [102, 105, 108].filter((offset) => offset >= from && offset < until)
        expect(offsets(cut)).toEqual(expected)
        expect(values(cut)).toEqual(expected.map((offset) => `v${offset}`))
      }
    }
  })
})

test('control batches are passed over, and counted into nextOffset', () => {
  const view = new RecordBatchView(Buffer.concat([marker(3), batchAt(4, 2), marker(6), marker(7)]))
  expect(offsets(view)).toEqual([4, 5])
  expect(view.nextOffsetAfter(0)).toBe(5)
  expect(view.nextOffsetAfter(1)).toBe(8)
  const only = new RecordBatchView(marker(9))
  expect([only.count, only.nextOffset, only.lastTimestamp]).toEqual([0, 10, undefined])
})

test('an empty range and a cut batch leave the reader where it was', () => {
  const empty = new RecordBatchView(Buffer.alloc(0), 0, 0, { from: 42 })
  expect([empty.count, empty.nextOffset, empty.sizeBytes, empty.partialBytes]).toEqual([0, 42, 0, 0])
  const batch = batchAt(42, 3)
  const cut = new RecordBatchView(batch, 0, batch.length - 1, { from: 42 })
  expect([cut.count, cut.nextOffset, cut.sizeBytes, cut.partialBytes]).toEqual([0, 42, 0, batch.length])
  const two = Buffer.concat([batch, batchAt(45, 9)])
  const one = new RecordBatchView(two, 0, two.length - 1)
  expect([one.count, one.nextOffset, one.sizeBytes]).toEqual([3, 45, batch.length])
  expect(one.partialBytes).toBe(two.length - batch.length)
})

test('nulls, empties and headers', () => {
  const headers = [
    { name: 'a', value: Buffer.from([1, 2]) },
    { name: 'a', value: null },
    { name: '', value: Buffer.alloc(0) },
  ]
  const records = [recordOf({}), recordOf({ key: '', value: '' }), recordOf({ headers })]
  const view = new RecordBatchView(encodeBatch(records, undefined, 0, 3, { timestamp: 1 }))
  expect([view.key(0), view.value(0)]).toEqual([null, null])
  expect([view.key(1), view.value(1)]).toEqual([Buffer.alloc(0), Buffer.alloc(0)])
  expect(view.headers(0)).toBe(view.headers(1))
  expect(Object.isFrozen(view.headers(0))).toBe(true)
  expect(view.headers(2)).toEqual(headers)
})

test('log-append time is every record’s', () => {
  const batch = batchAt(0, 3)
  batch.writeInt16BE(field.LOG_APPEND_TIME, field.ATTRIBUTES)
  field.writeInt64(batch, field.MAX_TIMESTAMP, 999_999)
  const view = new RecordBatchView(reseal(batch))
  expect([0, 1, 2].map((i) => view.timestamp(i))).toEqual([999_999, 999_999, 999_999])
})

test('a record outside the view is refused', () => {
  const view = new RecordBatchView(batchAt(0, 3), undefined, undefined, { from: 1 })
  for (const i of [-1, 2, Number.NaN]) expect(() => view.value(i)).toThrow(/no record/)
})

describe('keyHash', () => {
  const hashes = (keys: (string | Uint8Array | null)[], baseOffset = 0): number[] => {
    const records = keys.map((key) => recordOf({ key }))
    const view = new RecordBatchView(
      encodeBatch(records, undefined, 0, keys.length, { timestamp: 1, baseOffset }),
    )
    return keys.map((_, i) => view.keyHash(i))
  }

  test('is equal for equal keys, wherever they stand', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(), (key, base) => {
        const [first, , second] = hashes([key, 'other', key])
        expect(first).toBe(second)
        expect(hashes([key], base)).toEqual([first])
      }),
    )
  })

  test('spreads the keys of one Kafka partition over lanes, and records without key', async () => {
    const { murmur2 } = await import('../../../../src/formats/murmur2.ts')
    const all = Array.from({ length: 40_000 }, (_, i) => `customer-${i}`)
    const partition = all.filter((key) => (murmur2(Buffer.from(key)) & 0x7fffffff) % 16 === 3)
    for (const keys of [partition, new Array<null>(2500).fill(null)]) {
      const lanes = new Array<number>(16).fill(0)
      for (const hash of hashes(keys)) lanes[hash % 16]! += 1
      expect(Math.min(...lanes)).toBeGreaterThan(keys.length / 16 / 2)
      expect(Math.max(...lanes)).toBeLessThan((keys.length / 16) * 2)
    }
  })
})
