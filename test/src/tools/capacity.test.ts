import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, type Streams, string, topic } from '../../../src/index.ts'
import { FrequentKeys } from '../../../src/tools/capacity/frequent-keys.ts'
import { hotPartitions, KINESIS_LIMITS, measureLoad, planCapacity } from '../../../src/tools/capacity.ts'

const orders = topic('orders', { value: string() })

const plan = (recordsPerSecond: number, recordBytes: number, readers = 1) =>
  planCapacity({ recordsPerSecond, recordBytes, readers }, { headroom: 0 })

describe('planCapacity', () => {
  test('small records are bound by their number, large ones by their bytes', () => {
    expect(plan(12_001, 100).kinesis.writing).toEqual({ shards: 13, limit: 'records' })
    expect(plan(12_000, 100).kinesis.writing).toEqual({ shards: 12, limit: 'records' })
    expect(plan(3_000, 2_000).kinesis.writing).toEqual({ shards: 6, limit: 'bytes' })
    expect(plan(0, 0).kinesis.writing.shards).toBe(1)
  })

  test('aggregated, the number of small records counts no more', () => {
    expect(plan(12_000, 100).kinesis.writingAggregated).toEqual({ shards: 2, limit: 'bytes' })
    // Larger than an aggregate: each stands for itself.
    expect(plan(10, 200_000).kinesis.writingAggregated).toEqual({ shards: 3, limit: 'bytes' })
  })

  test('polling readers share a shard, fan-out consumers do not', () => {
    const five = plan(10_000, 1_000, 5).kinesis
    expect(five.polling).toEqual({ shards: 24, pollMs: 1_000 })
    expect(five.fanOut).toEqual({ shards: 5, consumers: 5, withinLimit: true })
    expect(plan(10_000, 1_000, 21).kinesis.fanOut.withinLimit).toBe(false)
  })

  test('the same on Kafka', () => {
    const { kafka } = plan(50_000, 1_000, 2)
    expect(kafka).toEqual({
      partitions: 5,
      replicas: 3,
      inBytesPerSecond: 150_000_000,
      outBytesPerSecond: 200_000_000,
      bytesADay: 12_960_000_000_000,
    })
  })

  test('a fifth to spare by default', () => {
    const { load, kinesis } = planCapacity({ recordsPerSecond: 10_000, recordBytes: 10, readers: 1 })
    expect(load.recordsPerSecond).toBe(12_000)
    expect(kinesis.writing.shards).toBe(12)
  })

  test('so many shards bear the load, and one fewer does not', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(100_000), fc.nat(30), (rate, size, readers) => {
        const { writing, polling, fanOut } = plan(rate, size, readers).kinesis
        const bears = (shards: number): boolean =>
          rate <= shards * KINESIS_LIMITS.shardRecordsPerSecond &&
          rate * size <= shards * KINESIS_LIMITS.shardBytesPerSecond
        expect(bears(writing.shards)).toBe(true)
        if (writing.shards > 1) expect(bears(writing.shards - 1)).toBe(false)
        expect(rate * size * readers).toBeLessThanOrEqual(
          polling.shards * KINESIS_LIMITS.shardReadBytesPerSecond,
        )
        expect(fanOut.shards).toBeLessThanOrEqual(
          Math.max(1, polling.shards, readers === 0 ? fanOut.shards : 0),
        )
      }),
    )
  })

  test.each([
    [{ recordsPerSecond: -1, recordBytes: 1, readers: 1 }, /recordsPerSecond: -1/],
    [{ recordsPerSecond: 1, recordBytes: Number.NaN, readers: 1 }, /recordBytes: NaN/],
  ])('refuses what is no load', (load, message) => {
    expect(() => planCapacity(load)).toThrow(message)
  })
})

test('keys that come often are found among many that do not', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 5_000, maxLength: 8_000 }), (draws) => {
      const keys = new FrequentKeys()
      let often = 0
      draws.forEach((draw, i) => {
        if (draw === 0) often++
        keys.add(Buffer.from(draw === 0 ? 'often' : `once-${i}`))
      })
      const [top] = keys.top(1)
      expect(top?.key).toBe(Buffer.from('often').toString('hex'))
      expect(top!.records).toBeLessThanOrEqual(often)
      expect(top!.records).toBeGreaterThanOrEqual(often - draws.length / 1_000)
      expect(keys.top(10_000).length).toBeLessThan(2_100)
    }),
    { numRuns: 10 },
  )
})

describe('measureLoad', () => {
  async function filled(
    records: readonly { key: string; value: string; timestamp?: number }[],
  ): Promise<Streams> {
    const streams = (await connect('memory:')) as Streams
    onTestFinished(() => streams.close())
    await streams.admin.createTopic({ name: 'orders', partitions: 4 })
    if (records.length > 0) await streams.producer().sendRecords(orders, records)
    return streams
  }

  test('says how a load is spread, and which partition is hot by one key', async () => {
    const now = Date.now()
    const spread = Array.from({ length: 1_000 }, (_, i) => ({
      key: `k${i}`,
      value: 'v',
      timestamp: now - 10_000,
    }))
    const one = Array.from({ length: 2_000 }, () => ({ key: 'hot', value: 'v', timestamp: now - 10_000 }))
    const streams = await filled([...spread, ...one, { key: 'k1', value: 'old', timestamp: now - 200_000 }])
    const load = await measureLoad(streams, 'orders', { windowMs: 100_000 })
    expect(load.records).toBe(3_000)
    expect(load.recordsPerSecond).toBeCloseTo(30)
    expect(load.peakRecordsPerSecond).toBe(3_000)
    expect(load.partitions.map((each) => each.shareOfKeys)).toEqual([0.25, 0.25, 0.25, 0.25])
    expect(load.partitions.reduce((sum, each) => sum + each.shareOfLoad, 0)).toBeCloseTo(1)
    const hottest = load.partitions.toSorted((a, b) => b.shareOfLoad - a.shareOfLoad)[0]!
    expect(hottest.hotKey!.share).toBeGreaterThan(0.8)
    expect(String(hottest.hotKey!.key)).toContain('hot')
    const [hot, ...others] = hotPartitions(load)
    expect(others).toEqual([])
    expect(hot).toMatchObject({ partition: hottest.partition, cause: 'key' })
    expect(hot!.heat).toBeGreaterThan(2.5)
    expect(hot!.used).toBeGreaterThan(2)
  })

  test('stops where it has seen enough, and takes the rate from what it saw', async () => {
    const now = Date.now()
    const records = Array.from({ length: 10_000 }, (_, i) => ({
      key: 'k',
      value: 'v',
      timestamp: now - 100_000 + i * 10,
    }))
    const load = await measureLoad(await filled(records), 'orders', { windowMs: 100_000, maxRecords: 2_000 })
    expect(load.records).toBe(2_000)
    expect(load.recordsPerSecond).toBeGreaterThan(80)
    expect(load.recordsPerSecond).toBeLessThan(120)
  })

  test('has nothing to say of nothing', async () => {
    await expect(measureLoad(await filled([]), 'orders')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/nothing in the open partitions of 'orders' is of the last 300 s/),
    })
  })
})
