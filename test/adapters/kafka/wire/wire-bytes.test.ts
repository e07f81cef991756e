import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WireReader } from '../../../../adapters/kafka/wire/wire-reader.ts'
import { WireWriter } from '../../../../adapters/kafka/wire/wire-writer.ts'

const text = fc.string({ unit: 'binary', maxLength: 200 })
const field = fc.oneof(
  fc.record({ type: fc.constant('int8' as const), value: fc.integer({ min: -128, max: 127 }) }),
  fc.record({ type: fc.constant('int16' as const), value: fc.integer({ min: -32_768, max: 32_767 }) }),
  fc.record({ type: fc.constant('int32' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('int64' as const), value: fc.maxSafeInteger() }),
  fc.record({ type: fc.constant('uvarint' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ type: fc.constant('string' as const), value: fc.option(text) }),
  fc.record({ type: fc.constant('compactString' as const), value: fc.option(text) }),
  // Some are passed on without a copy, some are copied.
  fc.record({ type: fc.constant('bytes' as const), value: fc.option(fc.nat({ max: 5_000 })) }),
  fc.record({ type: fc.constant('array' as const), value: fc.array(fc.integer(), { maxLength: 300 }) }),
)

test('what is written is read again, whatever its size and order', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 60 }), (fields) => {
      const writer = new WireWriter()
      for (const { type, value } of fields) {
        if (type === 'bytes') writer.bytes(value === null ? null : Buffer.alloc(value, value & 0xff))
        else if (type === 'array') writer.array(value, (item) => writer.int32(item))
        else if (type === 'string') writer.string(value)
        else if (type === 'compactString') writer.compactString(value)
        else writer[type](value)
      }
      const { size } = writer
      const reader = new WireReader(Buffer.concat(writer.chunks()))
      expect(reader.left).toBe(size)
      for (const { type, value } of fields) {
        if (type === 'bytes') {
          expect(reader.bytes()).toEqual(value === null ? null : Buffer.alloc(value, value & 0xff))
        } else if (type === 'array') expect(reader.array(() => reader.int32())).toEqual(value)
        // A lone surrogate is written as UTF-8 has it.
        else if (type === 'string') expect(reader.nullableString()).toBe(value?.toWellFormed() ?? null)
        else if (type === 'compactString') {
          expect(reader.nullableCompactString()).toBe(value?.toWellFormed() ?? null)
        } else expect(reader[type]()).toBe(value)
      }
      expect(reader.left).toBe(0)
    }),
  )
})

test('a text that needs more room, behind bytes that were passed on', () => {
  const [large, long] = [Buffer.alloc(2_000, 7), 'x'.repeat(600)]
  const writer = new WireWriter().string('first').bytes(large).string(long).int32(9)
  const reader = new WireReader(Buffer.concat(writer.chunks()))
  expect(reader.left).toBe(2 + 5 + 4 + 2_000 + 2 + 600 + 4)
  expect([reader.string(), reader.bytes(), reader.string(), reader.int32()]).toEqual([
    'first',
    large,
    long,
    9,
  ])
})

test('bytes that end too early are told, and never read beyond', () => {
  const reader = new WireReader(Buffer.from([0, 0, 0, 9, 1]))
  expect(() => reader.bytes()).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  expect(() => new WireReader(Buffer.from([255, 255, 255, 255, 255, 255])).uvarint()).toThrow(/integer/)
})
