import { expect, test } from 'vitest'
import { KeyQueue } from '../../../../adapters/kinesis/producing/key-queue.ts'
import { KeyTable } from '../../../../adapters/kinesis/producing/key-table.ts'
import { partitionKeyOf } from '../../../../adapters/kinesis/records/index.ts'

const queueOf = (text: string, hash: number): KeyQueue => {
  const bytes = Buffer.from(text)
  return new KeyQueue(partitionKeyOf(bytes), bytes, hash, true)
}

test('keys are found by their bytes, whatever their hashes, as long as they are there', () => {
  const table = new KeyTable()
  // Every third hash is shared, and there are more keys than buckets at first.
  const queues = Array.from({ length: 2_000 }, (_, i) => queueOf(`key${i}`, (i % 3 === 0 ? 7 : i) | 0))
  for (const queue of queues) table.add(queue)
  const find = ({ bytes, hash }: KeyQueue): KeyQueue | undefined => table.find(Buffer.from(bytes!), hash)
  expect(queues.filter((queue) => find(queue) !== queue)).toEqual([])
  const gone = queues.filter((_, i) => i % 2 === 0)
  for (const queue of gone) table.delete(queue)
  expect(gone.filter((queue) => find(queue) !== undefined)).toEqual([])
  expect(queues.filter((queue, i) => i % 2 === 1 && find(queue) !== queue)).toEqual([])
  const other = queueOf('key1', 1)
  table.delete(other)
  expect(find(other)).toBe(queues[1])
})
