import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { md5Digests } from '../../../../adapters/kinesis/records/md5-lanes.ts'
import { runs } from '../../../properties/runs.ts'

const POOL = Uint8Array.from({ length: 201_000 }, (_, i) => (i * 7 + (i >> 8) * 31) & 0xff)

function check(lengths: readonly number[]): void {
  const messages = lengths.map((length, n) => POOL.subarray(n, n + length))
  const digests = md5Digests(messages)
  expect(digests.length).toBe(messages.length * 16)
  messages.forEach((message, i) => {
    const digest = Buffer.from(digests.subarray(i * 16, (i + 1) * 16))
    expect(digest.toString('hex')).toBe(createHash('md5').update(message).digest('hex'))
  })
}

test('are MD5 around the ends of a block, of a lane, and of what is worth a lane', () => {
  for (const around of [1_024, 1_088, 65_536, 131_072]) {
    check(Array.from({ length: 140 }, (_, i) => around - 70 + i))
  }
})

test('are MD5 of any lengths together, however many', () => {
  const length = fc.oneof(fc.nat(3_000), fc.nat(200_000))
  fc.assert(fc.property(fc.array(length, { maxLength: 20 }), check), runs(30))
})

test('the empty list, one, and the empty message', () => {
  for (const lengths of [[], [0], [5_000], [0, 5_000, 0]]) check(lengths)
})
