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

test('few are kept, and what is not needed not for long', () => {
  vi.useFakeTimers()
  const pool = new BufferPool()
  const many = Array.from({ length: 20 }, () => pool.take(MIB))
  const known = (buffers: Buffer<ArrayBuffer>[]): number =>
    buffers.filter((each) => many.includes(each)).length
  const takeAll = (): Buffer<ArrayBuffer>[] => Array.from({ length: 20 }, () => pool.take(MIB))
  for (const each of many) pool.giveBack(each)
  const again = takeAll()
  expect(known(again)).toBe(4)
  for (const each of again.slice(0, 4)) pool.giveBack(each)
  // One is needed at a time: the others go.
  for (let second = 0; second < 30; second++) {
    const one = pool.take(MIB)
    vi.advanceTimersByTime(1_000)
    pool.giveBack(one)
  }
  const left = takeAll()
  expect(known(left)).toBe(1)
  pool.giveBack(left[0]!)
  vi.advanceTimersByTime(60_000)
  expect(known(takeAll())).toBe(0)
})
