import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { md5Number } from '../../../../adapters/kinesis/records/md5.ts'

const reference = (bytes: Uint8Array): bigint => BigInt(`0x${createHash('md5').update(bytes).digest('hex')}`)

test('is MD5 at every length around the ends of a block', () => {
  for (let length = 0; length < 140; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff)
    expect(md5Number(bytes)).toBe(reference(bytes))
  }
})

test('is MD5 of any bytes, also within others', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), fc.nat(80), (bytes, from, to) => {
      const start = Math.min(from, bytes.length)
      const end = Math.max(start, Math.min(to, bytes.length))
      expect(md5Number(bytes, start, end)).toBe(reference(bytes.subarray(start, end)))
    }),
    { numRuns: 1000 },
  )
})
