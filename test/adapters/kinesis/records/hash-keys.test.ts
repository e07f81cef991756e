import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashKeys, PartitionKey } from '../../../../adapters/kinesis/records/index.ts'
import { runs } from '../../../properties/runs.ts'

const hashOf = (bytes: Uint8Array): bigint => BigInt(`0x${createHash('md5').update(bytes).digest('hex')}`)

test('keys have the hashes of their bytes, however many come together', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 130 })
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 40 }), (list) => {
      const keys = list.map((each) => new PartitionKey(each, null))
      hashKeys(keys)
      expect(keys.map(({ hashKey }) => hashKey)).toEqual(list.map(hashOf))
    }),
    runs(200),
  )
})

test('of every length around a block, alone and among others', () => {
  const list = Array.from({ length: 70 }, (_, i) => Buffer.alloc(i + 1, i))
  const together = list.map((each) => new PartitionKey(each, null))
  hashKeys(together)
  for (const [i, each] of list.entries()) {
    const alone = new PartitionKey(each, null)
    hashKeys([alone])
    expect([alone.hashKey, together[i]!.hashKey]).toEqual([hashOf(each), hashOf(each)])
  }
})
