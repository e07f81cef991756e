import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignPartitions } from '../../../../adapters/log/broker/groups/assign-partitions.ts'

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('the assignment of partitions', () => {
  it('is complete, even, and moves no more than it must', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(30),
        (before, after, count) => {
          const partitions = names('p', count)
          const members = (n: number) => names('m', n).map((id) => ({ id, accepts: () => true }))
          const first = assignPartitions(partitions, members(before), () => undefined)
          const second = assignPartitions(partitions, members(after), (partition) => first.get(partition))
          expect(second.size).toBe(count)
          const sizes = members(after).map(
            ({ id }) => [...second.values()].filter((owner) => owner === id).length,
          )
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          const moved = partitions.filter(
            (partition) => first.get(partition) !== second.get(partition),
          ).length
          // What the gone had, or what the new ones are due.
          const least = after > before ? (after - before) * Math.floor(count / after) : 0
          const most =
            after > before
              ? (after - before) * Math.ceil(count / after)
              : (before - after) * Math.ceil(count / before)
          expect(moved).toBeGreaterThanOrEqual(least)
          expect(moved).toBeLessThanOrEqual(most)
        },
      ),
    )
  })

  it('gives nobody what it does not accept', () => {
    const members = [
      { id: 'a', accepts: (partition: string) => partition.startsWith('x') },
      { id: 'b', accepts: (partition: string) => partition !== 'x1' },
    ]
    const target = assignPartitions(['x0', 'x1', 'y0', 'z0'], members, () => 'a')
    expect(target.get('x1')).toBe('a')
    expect(target.get('y0')).toBe('b')
    expect(assignPartitions(['q'], [{ id: 'a', accepts: () => false }], () => 'a').size).toBe(0)
  })
})
