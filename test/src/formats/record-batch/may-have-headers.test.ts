import { expect, test } from 'vitest'
import { encodeBatch, RecordBatchView } from '../../../../src/formats/record-batch/index.ts'
import { recordOf } from './record-of.ts'

test('headers are ruled out batch by batch', () => {
  const plain = Array.from({ length: 3 }, (_, i) => recordOf({ value: `v${i}` }))
  const traced = recordOf({ value: 'traced', headers: [{ name: 'traceparent', value: null }] })
  const encode = (records: typeof plain, baseOffset: number): Buffer =>
    encodeBatch(records, undefined, 0, records.length, { timestamp: 0, baseOffset })
  const view = new RecordBatchView(Buffer.concat([encode(plain, 0), encode([plain[0]!, traced], 3)]))
  expect([0, 1, 2, 3, 4].map((i) => view.mayHaveHeaders(i))).toEqual([false, false, false, true, true])
  expect(view.headers(3)).toEqual([])
})
