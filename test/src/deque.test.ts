import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deque } from '../../src/deque.ts'

test('a deque behaves as an array does', () => {
  const operation = fc.oneof(fc.integer(), fc.constant('shift' as const))
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const deque = new Deque<number>()
      const model: number[] = []
      for (const each of operations) {
        if (each === 'shift') expect(deque.shift()).toBe(model.shift())
        else deque.push(model[model.push(each) - 1] as number)
        expect(deque.length).toBe(model.length)
        expect(deque.peek()).toBe(model[0])
      }
      expect([...deque.values()]).toEqual(model)
      expect(deque.drain()).toEqual(model)
      expect(deque.length).toBe(0)
    }),
  )
})
