import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LowWaterMark } from '../../../src/consumer/low-water-mark.ts'
import type { FetchedBatch } from '../../../src/driver.ts'

/** Positions are counted; the checkpoint after record n is n + 1, as in a log. */
function batchOf(first: number, count: number, holes = 0): FetchedBatch {
  return {
    topic: 't',
    partition: '0',
    count,
    sizeBytes: count,
    key: () => null,
    value: () => null,
    headers: () => [],
    timestamp: () => 0,
    arrival: () => undefined,
    position: (i) => String(first + i),
    keyHash: (i) => i,
    checkpointAfter: (i) => String(first + i + 1),
    end: String(first + count + holes),
    lag: {},
  }
}

describe('the low-water mark', () => {
  test('stands after the contiguous finished prefix', () => {
    const mark = new LowWaterMark('0')
    const entry = mark.add(batchOf(0, 4))
    entry.finish(2)
    expect(mark.checkpoint).toBe('0')
    entry.finish(0)
    expect(mark.checkpoint).toBe('1')
    entry.finish(1)
    expect(mark.checkpoint).toBe('3')
  })

  test('passes trailing holes only when the whole batch is done', () => {
    const mark = new LowWaterMark('0')
    const entry = mark.add(batchOf(0, 2, 5))
    entry.finish(0)
    expect(mark.checkpoint).toBe('1')
    entry.finish(1)
    mark.advance()
    expect(mark.checkpoint).toBe('7')
  })

  test('moves over empty batches behind finished ones, and never over unfinished ones', () => {
    const mark = new LowWaterMark('0')
    const entry = mark.add(batchOf(0, 1))
    mark.add(batchOf(1, 0, 9))
    expect(mark.checkpoint).toBe('0')
    entry.finish(0)
    mark.advance()
    expect(mark.checkpoint).toBe('10')
    expect(mark.empty).toBe(true)
  })

  test('finishing twice is finishing once', () => {
    const mark = new LowWaterMark('0')
    const entry = mark.add(batchOf(0, 3))
    for (const index of [0, 0, 2, 2, 0]) entry.finish(index)
    expect(entry.complete).toBe(false)
    entry.finish(1)
    expect(entry.complete).toBe(true)
  })

  test('finishThrough takes the entries before with it', () => {
    const mark = new LowWaterMark('0')
    const first = mark.add(batchOf(0, 3))
    const second = mark.add(batchOf(3, 3))
    expect(mark.finishThrough(second, 2)).toEqual([first])
    expect(mark.checkpoint).toBe('5')
  })

  test('agrees with a set of finished positions, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (sizes, picks) => {
          const mark = new LowWaterMark('0')
          const open: (() => void)[] = []
          const finished = new Set<number>()
          let first = 0
          for (const size of sizes) {
            const entry = mark.add(batchOf(first, size))
            for (let i = 0; i < size; i++) {
              const position = first + i
              open.push(() => {
                entry.finish(i)
                finished.add(position)
                if (entry.complete) mark.advance()
              })
            }
            first += size
          }
          while (open.length > 0) {
            const pick = (picks.next().value as number) % open.length
            open.splice(pick, 1)[0]?.()
            let expected = 0
            while (finished.has(expected)) expected++
            expect(mark.checkpoint).toBe(String(expected))
          }
          expect(mark.empty).toBe(true)
        },
      ),
    )
  })
})
