import { afterEach, describe, expect, test } from 'vitest'
import { type ConsumedBatch, deadLetter, park, stop } from '../../../src/index.ts'
import { checkpointOf, type EventRecord, events, eventually, type Filled, filled } from './fixture.ts'

const quick = { attempts: 2, backoffMs: 1 }

describe('batch handlers', () => {
  let backend: Filled
  afterEach(() => backend.streams.close())

  const numbers = (batch: ConsumedBatch<EventRecord>): number[] =>
    batch.records.map((record) => record.value?.n ?? -1)

  test('a batch that fails is tried again whole, then halved until the poison record is alone', async () => {
    backend = await filled(16, 16)
    const calls: number[][] = []
    const done: number[] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const running = consumer.run({
      retry: quick,
      onPoison: deadLetter('letters'),
      batch: (batch) => {
        calls.push(numbers(batch))
        if (numbers(batch).includes(11)) throw new Error('11 is poison')
        done.push(...numbers(batch))
      },
    })
    await eventually('all is dealt with', () => consumer.stats.processed === 16)
    await consumer.close()
    await running
    expect(calls.map((call) => call.length)).toEqual([16, 16, 8, 8, 4, 2, 2, 1, 1, 4])
    expect(done.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, i) => i).filter((i) => i !== 11),
    )
    expect(consumer.stats.deadLettered).toBe(1)
    expect(await checkpointOf(backend, 'g')).toBe('16')
    const [letter] = await Array.fromAsync(backend.streams.read('letters', { until: 'now' }).records())
    expect(letter?.header('millrace-origin-position')).toBe('11')
    expect(letter?.header('millrace-error')).toBe('11 is poison')
    expect(Number(letter?.header('millrace-attempts'))).toBeGreaterThan(2)
  })

  test('positions that were named failed are tried again alone; the others count', async () => {
    backend = await filled(8, 8)
    const calls: number[][] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const running = consumer.run({
      retry: { attempts: 3, backoffMs: 1 },
      onPoison: deadLetter('letters'),
      batch: (batch, context) => {
        calls.push(numbers(batch))
        const bad = batch.records.filter(
          (record) => record.value?.n === 3 || (record.value?.n === 5 && context.attempt < 2),
        )
        return { failed: bad.map((record) => record.position) }
      },
    })
    await eventually('all is dealt with', () => consumer.stats.processed === 8)
    await consumer.close()
    await running
    expect(calls).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [3, 5], [3]])
    expect(consumer.stats.deadLettered).toBe(1)
  })

  test('positions of no record in the batch are refused', async () => {
    backend = await filled(2, 2)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const running = consumer.run({ retry: { attempts: 1 }, batch: () => ({ failed: ['77'] }) })
    await expect(running).rejects.toThrow(/not in its batch: 77/)
  })

  test('stop ends the run with the error and leaves the record to come again', async () => {
    backend = await filled(8, 8)
    const run = backend.streams.consumer({ group: 'g', topics: [events] }).run({
      retry: quick,
      onPoison: stop(),
      maxBatchRecords: 2,
      batch: (batch) => {
        if (numbers(batch).includes(5)) throw new Error('no')
      },
    })
    await expect(run).rejects.toThrow('no')
    expect(await checkpointOf(backend, 'g')).toBe('5')
  })

  test('a parked key stays out of later batches, and out of the other half of its own', async () => {
    backend = await filled(12, 3)
    const seen: number[] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const running = consumer.run({
      retry: { attempts: 1 },
      onPoison: park('letters'),
      batch: (batch) => {
        if (numbers(batch).includes(1)) throw new Error('1 is poison')
        seen.push(...numbers(batch))
      },
    })
    await eventually('all is dealt with', () => consumer.stats.processed === 12)
    await consumer.close()
    await running
    expect(seen).toEqual([0, 2, 3, 5, 6, 8, 9, 11])
    const letters = await Array.fromAsync(backend.streams.read('letters', { until: 'now' }).records())
    expect(letters.map((letter) => letter.header('millrace-origin-position'))).toEqual(['1', '4', '7', '10'])
  })
})
