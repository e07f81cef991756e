import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AbortedTransaction,
  encodeBatch,
  encodeControlBatch,
  RecordBatchView,
} from '../../../../src/formats/record-batch/index.ts'
import { recordOf } from './record-of.ts'

type Step = { producer: number; records: number } | { producer: number; end: 'commit' | 'abort' }

/** Writes the steps one after another, and tells what a read_committed reader must and must not see. */
function history(steps: readonly Step[]) {
  const batches: Buffer[] = []
  const open = new Map<number, { first: number; records: number[] }>()
  const committed: number[] = []
  const aborted: Required<AbortedTransaction>[] = []
  let baseOffset = 0
  for (const step of steps) {
    const producer = { producerId: step.producer, producerEpoch: 0 }
    const transactional = step.producer >= 0
    if ('records' in step) {
      // Keys and values of zeros: what the key of an abort marker looks like.
      const records = new Array(step.records).fill(recordOf({ key: Buffer.alloc(4), value: Buffer.alloc(6) }))
      const options = { timestamp: 1, baseOffset, transactional, ...producer }
      batches.push(encodeBatch(records, undefined, 0, step.records, options))
      const own = records.map((_, i) => baseOffset + i)
      const transaction = open.get(step.producer) ?? { first: baseOffset, records: [] }
      if (transactional) open.set(step.producer, transaction)
      else committed.push(...own)
      transaction.records.push(...own)
      baseOffset += step.records
    } else {
      const transaction = open.get(step.producer)
      if (transaction === undefined) continue
      open.delete(step.producer)
      batches.push(
        encodeControlBatch({ type: step.end, coordinatorEpoch: 0, timestamp: 1, baseOffset, ...producer }),
      )
      if (step.end === 'commit') committed.push(...transaction.records)
      else aborted.push({ producerId: step.producer, firstOffset: transaction.first, lastOffset: baseOffset })
      baseOffset++
    }
  }
  return {
    bytes: Buffer.concat(batches),
    committed: committed.sort((a, b) => a - b),
    aborted,
    end: baseOffset,
    open,
  }
}

const offsets = (view: RecordBatchView): number[] =>
  Array.from({ length: view.count }, (_, i) => view.offset(i))

const OVERLAPPING: Step[] = [
  { producer: 1, records: 2 }, // 0, 1: aborted
  { producer: 2, records: 1 }, // 2: committed
  { producer: -1, records: 1 }, // 3: no transaction
  { producer: 3, records: 2 }, // 4, 5: aborted
  { producer: 1, end: 'abort' }, // 6
  { producer: 1, records: 1 }, // 7: committed, by a producer that aborted before
  { producer: 2, records: 1 }, // 8
  { producer: 3, end: 'abort' }, // 9
  { producer: 2, end: 'commit' }, // 10
  { producer: 1, end: 'commit' }, // 11
  { producer: 2, records: 1 }, // 12: aborted
  { producer: 2, end: 'abort' }, // 13
]

test('overlapping transactions: only what was aborted is hidden', () => {
  const { bytes, aborted } = history(OVERLAPPING)
  const list = aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
  const view = new RecordBatchView(bytes, 0, bytes.length, { aborted: list })
  expect(offsets(view)).toEqual([2, 3, 7, 8])
  expect(view.nextOffset).toBe(14)
  expect(view.nextOffsetAfter(3)).toBe(14)
  expect(offsets(new RecordBatchView(bytes))).toEqual([0, 1, 2, 3, 4, 5, 7, 8, 12])
})

test('a predicate decides by producer and base offset', () => {
  const { bytes, aborted } = history(OVERLAPPING)
  const isAborted = (producer: number, base: number): boolean =>
    aborted.some(
      ({ producerId, firstOffset, lastOffset }) =>
        producerId === producer && firstOffset <= base && base <= lastOffset,
    )
  expect(offsets(new RecordBatchView(bytes, 0, bytes.length, { aborted: isAborted }))).toEqual([2, 3, 7, 8])
})

test('a view of only aborted records still moves on', () => {
  const { bytes, aborted } = history([
    { producer: 5, records: 3 },
    { producer: 5, end: 'abort' },
  ])
  const view = new RecordBatchView(bytes, 0, bytes.length, { aborted })
  expect([view.count, view.nextOffset]).toEqual([0, 4])
})

describe('any interleaving, read from any offset in chunks of any size', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ producer: fc.integer({ min: -1, max: 3 }), records: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      producer: fc.integer({ min: 0, max: 3 }),
      end: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  )

  test('gives exactly the committed records', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.nat(60),
        fc.nat(600),
        fc.boolean(),
        (steps, start, slack, bounded) => {
          // Transactions still open at the end are committed: a broker does not hand out what lies beyond
          // them.
          const closed = [0, 1, 2, 3].map((producer): Step => ({ producer, end: 'commit' }))
          const { bytes, committed, aborted, end } = history([...steps, ...closed])
          const seen: number[] = []
          let from = Math.min(start, end)
          const expected = committed.filter((offset) => offset >= from)
          for (let at = 0; at < bytes.length; ) {
            // As a broker answers: transactions that reach into the range, without their ends.
            const reaching = aborted.filter(({ lastOffset }) => lastOffset >= from)
            const list = bounded
              ? aborted
              : reaching.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
            const chunk = Math.min(bytes.length, at + 500 + slack)
            const view = new RecordBatchView(bytes, at, chunk, { from, aborted: list })
            seen.push(...offsets(view))
            expect(view.nextOffset).toBeGreaterThanOrEqual(from)
            from = view.nextOffset
            at += view.sizeBytes
          }
          expect(seen).toEqual(expected)
          expect(from).toBe(end)
        },
      ),
      { numRuns: 300 },
    )
  })
})
