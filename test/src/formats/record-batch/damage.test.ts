import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StreamError } from '../../../../src/errors.ts'
import { COMPRESSION_NAMES } from '../../../../src/formats/compression.ts'
import * as field from '../../../../src/formats/record-batch/header.ts'
import {
  encodeBatch,
  RecordBatchView,
  readControlMarker,
  verifyBatch,
} from '../../../../src/formats/record-batch/index.ts'
import { compact, reseal } from './compact.ts'
import { anyRecord, recordOf } from './record-of.ts'

const RECORDS = [
  recordOf({ key: 'key', value: 'value' }),
  recordOf({
    value: 'x'.repeat(200),
    headers: [
      { name: 'name', value: Buffer.from('v') },
      { name: 'n', value: null },
    ],
  }),
  recordOf({ key: 'other', timestamp: 2 ** 40 }),
]
const batch = (baseOffset = 0): Buffer => encodeBatch(RECORDS, undefined, 0, 3, { timestamp: 7, baseOffset })

/** Looks at everything; the damage may show here at the latest, and as nothing but a StreamError. */
function readAll(bytes: Buffer, verifyCrc: boolean, maxDecompressedBytes = 1 << 16): number | StreamError {
  try {
    const view = new RecordBatchView(bytes, 0, bytes.length, { verifyCrc, maxDecompressedBytes })
    for (let i = 0; i < view.count; i++) {
      view.key(i)
      view.value(i)
      view.headers(i)
      view.keyHash(i)
      if (!(view.nextOffsetAfter(i) > view.offset(i)) || Number.isNaN(view.timestamp(i)))
        throw new Error('wrong')
    }
    return view.count
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    expect(error.code).toMatch(/INTERNAL|UNSUPPORTED/)
    return error
  }
}

test('every flipped bit behind the leader epoch is found, and the offset is named', () => {
  const good = batch(1234)
  for (let bit = 12 * 8 + 4 * 8; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good)
    bad[bit >> 3]! ^= 1 << (bit & 7)
    expect(verifyBatch(bad, 0, bad.length).kind).toBe('corrupt')
    expect(String(readAll(bad, true))).toMatch(/offset 1234 .*restore/)
  }
})

test('every truncation is told from damage', () => {
  const good = batch()
  for (let length = 0; length < good.length; length++) {
    const cut = good.subarray(0, length)
    expect(verifyBatch(cut, 0, length)).toMatchObject({ kind: 'truncated' })
    // Nothing behind the range's end is looked at, though it is there.
    expect(verifyBatch(good, 0, length)).toEqual(verifyBatch(cut, 0, length))
    expect(new RecordBatchView(good, 0, length).count).toBe(0)
  }
})

test('zeros, as a crash leaves them at a file’s end, are corrupt', () => {
  expect(verifyBatch(Buffer.alloc(100), 0, 100)).toMatchObject({ kind: 'corrupt' })
})

describe.each([true, false])('random damage, CRC verified: %s', (verifyCrc) => {
  test.each(COMPRESSION_NAMES)('%s: a StreamError or records, and soon', (compression) => {
    const damage = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) })
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 8 }),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (records, damages, resealed) => {
          const bad = encodeBatch(records, undefined, 0, records.length, { timestamp: 7, compression })
          for (const { at, byte } of damages)
            bad[Math.min(bad.length - 1, Math.floor(at * bad.length))] = byte
          if (resealed) reseal(bad)
          readAll(bad, verifyCrc)
        },
      ),
      { numRuns: 400 },
    )
  })
})

test('random bytes under a valid header and CRC', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(7), (body, count, codec) => {
      const bad = Buffer.concat([batch().subarray(0, field.HEADER_BYTES), body])
      bad.writeInt32BE(count, field.RECORDS_COUNT)
      bad.writeInt32BE(Math.max(0, count - 1), field.LAST_OFFSET_DELTA)
      bad.writeInt16BE(codec, field.ATTRIBUTES)
      readAll(reseal(bad), true)
      bad.writeInt16BE(field.CONTROL, field.ATTRIBUTES)
      try {
        readControlMarker(bad, 0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'INTERNAL' })
      }
    }),
    { numRuns: 2000 },
  )
})

describe('hostile claims under a valid CRC', () => {
  const hostile = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = batch(50)
    change(bytes)
    bytes.writeUInt32BE(reseal(Buffer.from(bytes)).readUInt32BE(field.CRC), field.CRC)
    return bytes
  }

  test.each<[string, (bytes: Buffer) => void]>([
    [
      'records without bytes',
      (b) => {
        b.writeInt32BE(0x7fffffff, field.RECORDS_COUNT)
        b.writeInt32BE(0x7ffffffe, field.LAST_OFFSET_DELTA)
      },
    ],
    ['a negative count', (b) => b.writeInt32BE(-1, field.RECORDS_COUNT)],
    ['more records than offsets', (b) => b.writeInt32BE(1, field.LAST_OFFSET_DELTA)],
    ['fewer records than there are', (b) => b.writeInt32BE(2, field.RECORDS_COUNT)],
    ['a negative last offset', (b) => b.writeInt32BE(-1, field.LAST_OFFSET_DELTA)],
    ['a length below the header', (b) => b.writeInt32BE(20, field.BATCH_LENGTH)],
    ['a negative length', (b) => b.writeInt32BE(-1, field.BATCH_LENGTH)],
    ['an offset beyond 2^53', (b) => b.writeInt32BE(0x7fffffff, field.BASE_OFFSET)],
    ['a negative offset', (b) => b.writeInt32BE(-5, field.BASE_OFFSET)],
    ['a producer id beyond 2^53', (b) => b.writeInt32BE(0x7fffffff, field.PRODUCER_ID)],
    [
      'magic 1',
      (b) => {
        b[field.MAGIC] = 1
      },
    ],
    ['an unknown codec', (b) => b.writeInt16BE(6, field.ATTRIBUTES)],
    ['codec gzip over plain records', (b) => b.writeInt16BE(1, field.ATTRIBUTES)],
    [
      'a key of 2 GB',
      (b) => {
        b.set([0xfe, 0xff, 0xff, 0xff, 0x0f], field.HEADER_BYTES + 4)
      },
    ],
    [
      'an endless varint',
      (b) => {
        b.fill(0xff, field.HEADER_BYTES)
      },
    ],
  ])('%s', (_, change) => {
    const result = readAll(hostile(change), true)
    expect(result).toBeInstanceOf(StreamError)
    expect((result as StreamError).message).toMatch(/record batch at offset/)
  })

  test('a length of 2 GB is a truncated batch, and is not allocated', () => {
    const bytes = hostile((b) => b.writeInt32BE(0x7fffffff - 12, field.BATCH_LENGTH))
    expect(verifyBatch(bytes, 0, bytes.length)).toEqual({ kind: 'truncated', size: 0x7fffffff })
  })

  // Record 1's fields of one byte each, counted back from its value: two for its length, null key, delta.
  const patched = (bytes: Buffer, before: number, byte: number): Buffer => {
    bytes[bytes.indexOf('xxx') - before] = byte
    return reseal(bytes)
  }

  test.each([
    [
      'repeats',
      patched(
        compact(batch(), (i) => i > 0),
        4,
        4,
      ),
    ],
    [
      'leaves the batch',
      patched(
        compact(batch(), (i) => i === 1),
        4,
        6,
      ),
    ],
    [
      'is negative',
      patched(
        compact(batch(), (i) => i === 1),
        4,
        1,
      ),
    ],
    ['is another than it must be', patched(batch(), 4, 0)],
  ])('an offset delta that %s', (_, bytes) => {
    expect(readAll(bytes, true)).toMatchObject({ message: expect.stringContaining('at its record') })
  })

  test('a length below that of null', () => {
    const key = patched(batch(), 3, 3)
    const value = batch()
    value[value.length - 2] = 3
    for (const bytes of [key, reseal(value)]) {
      expect(readAll(bytes, true)).toMatchObject({ message: expect.stringContaining('at its record') })
    }
  })

  test.each(['gzip', 'lz4', 'zstd', 'snappy'] as const)('a bomb of %s', (compression) => {
    const big = [recordOf({ value: Buffer.alloc(8 << 20) })]
    const bomb = encodeBatch(big, undefined, 0, 1, { timestamp: 0, compression })
    expect(readAll(bomb, true)).toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/offset 0 .*limit/),
    })
    expect(readAll(bomb, true, 9 << 20)).toBe(1)
  })

  test('headers that run backwards or claim billions end at once', () => {
    for (const claim of [
      [0xfe, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
    ]) {
      for (const name of [1, 0, 41]) {
        // length, attributes, deltas, null key, null value, header count, name length …
        const body = [0, 0, 0, 0, 1, 1, ...claim, ...new Array<number>(40).fill(name)]
        body[0] = (body.length - 1) * 2
        const bad = Buffer.concat([batch().subarray(0, field.HEADER_BYTES), Buffer.from(body)])
        bad.writeInt32BE(1, field.RECORDS_COUNT)
        bad.writeInt32BE(0, field.LAST_OFFSET_DELTA)
        expect(readAll(reseal(bad), true)).toBeInstanceOf(StreamError)
      }
    }
  })
})

test('good batches before a damaged one are delivered, then it is named', () => {
  const bad = batch(3)
  bad[bad.length - 1]! ^= 1
  const bytes = Buffer.concat([batch(0), bad, batch(6)])
  const view = new RecordBatchView(bytes)
  expect([view.count, view.nextOffset, view.sizeBytes]).toEqual([3, 3, batch().length])
  expect(() => new RecordBatchView(bytes, view.sizeBytes, bytes.length, { from: 3 })).toThrow(
    /offset 3 .*CRC/,
  )
  // Also where the good ones were only passed over: to stop before it without a word would be to stop for
  // ever.
  expect(() => new RecordBatchView(bytes, 0, bytes.length, { from: 3 })).toThrow(/offset 3 .*CRC/)
  expect(new RecordBatchView(bytes, 0, bytes.length, { verifyCrc: false }).count).toBe(9)
})

test('offsets that go back are damage', () => {
  const bytes = Buffer.concat([batch(10), batch(12)])
  const view = new RecordBatchView(bytes)
  expect([view.count, view.nextOffset]).toEqual([3, 13])
  expect(() => new RecordBatchView(bytes, 0, bytes.length, { from: 13 })).toThrow(
    /offset 12 follows offset 12/,
  )
})
