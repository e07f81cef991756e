import { afterEach, expect, test, vi } from 'vitest'
import { BufferPool } from '../../../../adapters/kinesis/service/buffer-pool.ts'

const MIB = 1 << 20

afterEach(() => {
  vi.useRealTimers()
})

test('what was given back is used again where it is large enough, and is nobody else’s meanwhile', () => {
  const pool = new BufferPool()
  const [first, second] = [pool.take(MIB), pool.take(MIB)]
  expect(first.length).toBeGreaterThanOrEqual(MIB)
  expect(second.buffer).not.toBe(first.buffer)
  pool.giveBack(first)
  expect(pool.take(MIB / 2)).toBe(first)
  expect(pool.take(MIB / 2)).not.toBe(first)
  pool.giveBack(first)
  const larger = pool.take(3 * MIB)
  expect(larger.length).toBeGreaterThanOrEqual(3 * MIB)
  pool.giveBack(larger)
  expect(pool.take(2 * MIB)).toBe(larger)
})

test('few are kept, and none for long', () => {
  vi.useFakeTimers()
  const pool = new BufferPool()
  const many = Array.from({ length: 20 }, () => pool.take(MIB))
  for (const each of many) pool.giveBack(each)
  const again = Array.from({ length: 20 }, () => pool.take(MIB))
  expect(again.filter((each) => many.includes(each))).toHaveLength(4)
  pool.giveBack(again[0]!)
  vi.advanceTimersByTime(60_000)
  expect(pool.take(MIB)).not.toBe(again[0])
})
