import { describe, expect, test } from 'vitest'
import { PARTITIONERS, partitionerNamed } from '../../../../adapters/kafka/producing/partitioner.ts'

describe('partitioners', () => {
  // From Kafka's UtilsTest.testMurmur2, made positive and taken modulo 1,000.
  test.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ])("kafka: '%s' goes where Kafka's own clients send it", (key, hash) => {
    expect(PARTITIONERS.kafka(Buffer.from(key), 1_000)).toBe((hash & 0x7fffffff) % 1_000)
  })

  test('kinesis: the MD5 of the key falls into even ranges', () => {
    // md5('a') = 0cc1…, md5('hello') = 5d41…, md5('partition') = 3d10…
    expect(PARTITIONERS.kinesis(Buffer.from('a'), 4)).toBe(0)
    expect(PARTITIONERS.kinesis(Buffer.from('hello'), 4)).toBe(1)
    expect(PARTITIONERS.kinesis(Buffer.from('hello'), 16)).toBe(5)
    expect(PARTITIONERS.kinesis(Buffer.from('hello'), 1)).toBe(0)
  })

  test('an unknown name is refused', () => {
    expect(() => partitionerNamed('random')).toThrow(/kafka.*kinesis/)
  })
})
