import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  COMPRESSION_NAMES,
  type CompressionName,
  compress,
  compressionId,
  decompress,
} from '../../../src/formats/compression.ts'

const require = createRequire(import.meta.url)
const MEGABYTE = 1 << 20

describe.each(COMPRESSION_NAMES)('%s', (name) => {
  const id = compressionId(name)

  test('what was compressed comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(decompress(id, compress(name, bytes), 500).equals(bytes)).toBe(true)
      }),
    )
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(3 * MEGABYTE, 'abcdefg'),
      randomBytes(MEGABYTE + 17),
    ]) {
      // A limit of exactly the size is no limit.
      expect(decompress(id, compress(name, bytes), Math.max(1, bytes.length)).equals(bytes)).toBe(true)
    }
  })

  test.skipIf(name === 'none')('more than allowed is refused', () => {
    const bomb = compress(name, Buffer.alloc(16 * MEGABYTE))
    expect(() => decompress(id, bomb, MEGABYTE)).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining('limit') }),
    )
    const noise = compress(name, randomBytes(100_000))
    expect(() => decompress(id, noise, 99_999)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  test.skipIf(name === 'none')('damaged data throws INTERNAL or gives bounded bytes', () => {
    const good = compress(name, Buffer.concat([Buffer.alloc(500, 'abc'), randomBytes(200)]))
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, flip, cut) => {
          const bad = Buffer.from(cut ? good.subarray(0, at) : good)
          if (!cut) bad[at]! ^= flip
          try {
            expect(decompress(id, bad, 4096).length).toBeLessThanOrEqual(4096)
          } catch (error) {
            expect(error).toMatchObject({ code: 'INTERNAL' })
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('raw snappy is read', () => {
  const raw = require('snappy').compressSync(Buffer.from('raw and plain'))
  expect(decompress(2, raw, 100).toString()).toBe('raw and plain')
})

test('snappy is written in blocks of 32 KiB under xerial’s header', () => {
  const bytes = compress('snappy', Buffer.alloc(40_000))
  expect(bytes.toString('hex', 0, 16)).toBe('82534e41505059000000000100000001')
  const second = 16 + 4 + bytes.readInt32BE(16)
  expect(second + 4 + bytes.readInt32BE(second)).toBe(bytes.length)
})

test('a snappy block that claims 2 GB is refused before it is allocated', () => {
  const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0, 0])
  expect(() => decompress(2, claim, Number.MAX_SAFE_INTEGER)).toThrow(/claimed/)
})

test('an lz4 frame has independent blocks and version 1, as Kafka’s Java client demands', () => {
  for (const size of [10, 100_000, 5 * MEGABYTE]) {
    const frame = compress('lz4', randomBytes(size))
    expect(frame.readUInt32LE(0)).toBe(0x184d2204)
    expect(frame[4]! & 0xe0).toBe(0x60)
  }
})

test('an lz4 frame is measured exactly where its block headers leave doubt', () => {
  const bytes = Buffer.from('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcabcabcabcabcd'.repeat(20))
  const frame = compress('lz4', bytes)
  expect(decompress(3, frame, bytes.length).equals(bytes)).toBe(true)
  expect(() => decompress(3, frame, bytes.length - 1)).toThrow(/allowed/)
})

test('gzip and zstd of other writers are read', () => {
  expect(decompress(1, gzipSync('level 9', { level: 9 }), 10).toString()).toBe('level 9')
  expect(decompress(4, zstdCompressSync('plain'), 10).toString()).toBe('plain')
})

test('an unknown codec is UNSUPPORTED, an unknown name INVALID_ARGUMENT', () => {
  expect(() => decompress(5, Buffer.alloc(1), 1)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  expect(() => compress('brotli' as CompressionName, Buffer.alloc(1))).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  )
})
