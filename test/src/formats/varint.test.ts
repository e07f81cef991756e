import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  VarintReader,
  varintLength,
  varlongLength,
  writeVarint,
  writeVarlong,
} from '../../../src/formats/varint.ts'

test('varints of all 32-bit integers come back, in the length announced', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const bytes = Buffer.alloc(16, 0xff)
      const end = writeVarint(bytes, 1, value)
      expect(end - 1).toBe(varintLength(value))
      const reader = new VarintReader(bytes, 1, end)
      expect(reader.varint()).toBe(value)
      expect(reader.at).toBe(end)
    }),
  )
})

test('varlongs of all safe integers come back, in the length announced', () => {
  const edges = [
    0,
    -1,
    1,
    2 ** 27,
    -(2 ** 27),
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
  ]
  const check = (value: number): void => {
    const bytes = Buffer.alloc(16, 0xff)
    const end = writeVarlong(bytes, 1, value)
    expect(end - 1).toBe(varlongLength(value))
    const reader = new VarintReader(bytes, 1, end)
    expect(reader.varlong()).toBe(value)
    expect(reader.at).toBe(end)
  }
  for (const edge of edges) check(edge)
  fc.assert(fc.property(fc.maxSafeInteger(), check))
})

test('the encoding is that of the specification', () => {
  const encoded = (value: number): string => {
    const bytes = Buffer.alloc(10)
    return bytes.toString('hex', 0, writeVarlong(bytes, 0, value))
  }
  expect([0, -1, 1, 63, -64, 64, 8191, -8192, 8192].map(encoded)).toEqual([
    '00',
    '01',
    '02',
    '7e',
    '7f',
    '8001',
    'fe7f',
    'ff7f',
    '808001',
  ])
})

test('a varlong beyond 2^53 is rounded', () => {
  const least = Buffer.from('ffffffffffffffffff01', 'hex')
  expect(new VarintReader(least, 0, 10).varlong()).toBe(-(2 ** 63))
})

test('a number that does not end is marked, and nothing behind the end is read', () => {
  const endless = Buffer.alloc(32, 0xff)
  const reader = new VarintReader(endless, 0, 32)
  reader.varint()
  expect(reader.overlong).toBe(true)
  const long = new VarintReader(endless, 0, 32)
  long.varlong()
  expect(long.overlong).toBe(true)
  const cut = new VarintReader(endless, 0, 1)
  expect(cut.varint()).toBe(-64)
  expect(cut.at).toBeGreaterThan(1)
})

test('a fraction is refused', () => {
  expect(() => writeVarlong(Buffer.alloc(10), 0, 1.5)).toThrow(/safe integer/)
})
