import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  evenLayout,
  growLayout,
  isOpen,
  mergeLayout,
  type PartitionLayout,
  splitLayout,
} from '../../../../adapters/log/broker/topics/partition-layout.ts'

const open = (layout: PartitionLayout) => layout.partitions.filter(isOpen).toSorted((a, b) => a.from - b.from)

describe('the layout of a topic', () => {
  it('covers the hash space once, whatever is split, merged and added', () => {
    const step = fc.record({ kind: fc.constantFrom('split', 'merge', 'grow'), n: fc.nat(1000) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 20 }), (count, steps) => {
        let layout = evenLayout(count)
        for (const { kind, n } of steps) {
          const now = open(layout)
          const at = n % now.length
          if (kind === 'split' && now[at]!.to > now[at]!.from)
            layout = splitLayout(layout, now[at]!.id, 2).layout
          if (kind === 'merge' && at > 0) layout = mergeLayout(layout, [now[at]!.id, now[at - 1]!.id]).layout
          if (kind === 'grow') layout = growLayout(layout, now.length + (n % 4))
          let next = 0
          for (const { from, to } of open(layout)) {
            expect(from).toBe(next)
            next = to + 1
          }
          expect(next).toBe(2 ** 32)
        }
        const ids = layout.partitions.map((partition) => partition.id)
        expect(new Set(ids).size).toBe(ids.length)
        for (const { id, parents, children } of layout.partitions) {
          for (const child of children) {
            expect(layout.partitions.find((other) => other.id === child)!.parents).toContain(id)
          }
          for (const parent of parents) {
            expect(layout.partitions.find((other) => other.id === parent)!.children).toContain(id)
          }
        }
      }),
    )
  })
})
