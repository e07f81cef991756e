import { expect, test } from 'vitest'
import type { DriverProducer, EncodedRecord } from '../../../src/driver.ts'
import { TopicLane } from '../../../src/producer/topic-lane.ts'

const recordsOf = (count: number): EncodedRecord[] =>
  Array.from({ length: count }, () => ({
    key: null,
    value: null,
    headers: [],
    timestamp: undefined,
    partition: undefined,
  }))

test('small calls of one turn go to the driver together, large ones on their own, each with its own results', async () => {
  const sizes: number[] = []
  const send: DriverProducer['send'] = async (_topic, records) => {
    const call = sizes.push(records.length)
    return { count: records.length, partition: () => `call ${call}`, position: (i) => String(i) }
  }
  const lane = new TopicLane('t', { send } as DriverProducer)
  const results = await Promise.all([1, 1, 3_000, 3_000, 1, 1, 1].map((count) => lane.add(recordsOf(count))))
  expect(sizes).toEqual([3_002, 3_000, 3])
  expect(results.map((each) => [each.length, each.at(0)])).toEqual([
    [1, { partition: 'call 1', position: '0' }],
    [1, { partition: 'call 1', position: '1' }],
    [3_000, { partition: 'call 1', position: '2' }],
    [3_000, { partition: 'call 2', position: '0' }],
    [1, { partition: 'call 3', position: '0' }],
    [1, { partition: 'call 3', position: '1' }],
    [1, { partition: 'call 3', position: '2' }],
  ])
})
