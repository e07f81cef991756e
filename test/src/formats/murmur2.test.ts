import { expect, test } from 'vitest'
import { crc32c } from '../../../src/formats/crc32c.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'

// From Kafka's UtilsTest, and the last two from running Kafka 4.2.0.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
  ['', 275646681],
])('murmur2 of %j is what Kafka computes', (text, expected) => {
  expect(murmur2(Buffer.from(text)) | 0).toBe(expected)
  expect(murmur2(Buffer.from(text))).toBe(expected >>> 0)
  expect(murmur2(Buffer.from(`12${text}3`), 2, 2 + text.length) | 0).toBe(expected)
})

test('murmur2 of bytes that Java takes for negative', () => {
  expect(murmur2(Uint8Array.from([-1, -128, 127, 0, 5, -2, -3])) | 0).toBe(-1637146861)
})

test('crc32c is Castagnoli’s', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.from('x123456789y'), 1, 10)).toBe(0xe3069283)
})
