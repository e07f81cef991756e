import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyQueue } from '../../../../adapters/kinesis/producing/key-queue.ts'
import { SendCall } from '../../../../adapters/kinesis/producing/send-call.ts'
import { partitionKeyOf } from '../../../../adapters/kinesis/records/index.ts'

interface Known {
  readonly call: SendCall
  readonly index: number
  readonly data: Uint8Array
  readonly size: number
}

const bytesOf = (records: readonly Known[]): number => records.reduce((sum, { size }) => sum + size, 0)

test.each([true, false])('a queue is what a plain list would be, ordered: %s', (ordered) => {
  const step = fc.record({
    kind: fc.constantFrom('push', 'push', 'push', 'drop', 'send', 'end', 'come back', 'split'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    size: fc.integer({ min: 1, max: 1_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const key = Buffer.from('key')
      const queue = new KeyQueue(partitionKeyOf(key), key, 1, ordered)
      const lane = { ready: 0, bytes: 0 }
      queue.lane = lane
      const sent: Known[] = []
      const waiting: Known[] = []
      steps.forEach(({ kind, share, size }, i) => {
        const some = Math.round(share * waiting.length)
        if (kind === 'push') {
          const known = { call: new SendCall('s', []), index: i, data: Buffer.alloc(0), size }
          queue.push(known.call, i, known.data, size)
          waiting.push(known)
        } else if (kind === 'send') {
          queue.send(some, bytesOf(waiting.slice(0, some)))
          sent.push(...waiting.splice(0, some))
        } else if (kind === 'end') {
          const ended = Math.round(share * sent.length)
          // Of an entry that is answered all records end, in a few runs: nothing comes back in between.
          queue.end(ended)
          queue.end(sent.length - ended)
          sent.length = 0
        } else if (kind === 'come back') {
          queue.comeBack()
          waiting.unshift(...sent.splice(0))
        } else if (sent.length > 0 || waiting.length === 0) {
          return
        } else if (kind === 'drop') {
          queue.drop(waiting.shift()!.size)
        } else {
          const first = waiting.splice(0, some)
          const split = queue.split(some, bytesOf(first))
          expect([split.waiting, split.sizeBytes]).toEqual([some, bytesOf(first)])
          first.forEach(({ call, index, data }, i) => {
            expect([split.callOf(i) === call, split.indexOf(i), split.dataOf(i) === data]).toEqual([
              true,
              index,
              true,
            ])
          })
        }
        expect([queue.onTheirWay, queue.waiting, queue.sizeBytes]).toEqual([
          sent.length,
          waiting.length,
          bytesOf(waiting),
        ])
        const ready = ordered ? Math.min(1, waiting.length) : waiting.length
        expect([queue.ready, lane.ready, lane.bytes]).toEqual([ready, ready, bytesOf(waiting)])
        ;[...sent, ...waiting].forEach(({ call, index, data }, i) => {
          expect(queue.callOf(i) === call && queue.indexOf(i) === index && queue.dataOf(i) === data).toBe(
            true,
          )
        })
      })
    }),
    { numRuns: 300 },
  )
})
