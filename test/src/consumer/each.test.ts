import { afterEach, describe, expect, test } from 'vitest'
import { deadLetter, park, redriveHeaders, skip } from '../../../src/index.ts'
import { checkpointOf, events, eventually, type Filled, filled } from './fixture.ts'

describe('each', () => {
  let backend: Filled
  afterEach(() => backend.streams.close())

  test('keys run beside each other up to `concurrency`, records of one key one after another', async () => {
    backend = await filled(60, 6)
    const running = new Set<string>()
    const order = new Map<string, number[]>()
    let most = 0
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      concurrency: 4,
      each: async ({ key, value }) => {
        expect(running.has(key as string)).toBe(false)
        running.add(key as string)
        most = Math.max(most, running.size)
        await new Promise((resolve) => setImmediate(resolve))
        running.delete(key as string)
        order.set(key as string, [...(order.get(key as string) ?? []), value?.n ?? -1])
      },
    })
    await eventually('all is processed', () => consumer.stats.processed === 60)
    await consumer.close()
    await run
    expect(most).toBe(4)
    for (const numbers of order.values()) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  })

  test('a key in back-off holds neither its place nor other keys', async () => {
    backend = await filled(20, 10)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      concurrency: 1,
      retry: { attempts: Infinity, backoffMs: 60_000 },
      each: ({ key }) => {
        if (key === 'k0') throw new Error('no')
      },
    })
    await eventually('the other keys are done', () => consumer.stats.processed === 18)
    await consumer.close()
    await run
    expect(await checkpointOf(backend, 'g')).toBe('0')
  })

  test('a record that does not decode is poison at once', async () => {
    backend = await filled(1, 1)
    await backend.producer.send('events', Buffer.from('{not json'), { key: 'bad' })
    const attempts: number[] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      onPoison: deadLetter('letters'),
      each: (record, context) => {
        if (record.key === 'bad') attempts.push(context.attempt)
        return record.value
      },
    })
    await eventually('both are dealt with', () => consumer.stats.processed === 2)
    await consumer.close()
    await run
    expect(attempts).toEqual([1])
    const [letter] = await Array.fromAsync(backend.streams.read('letters', { until: 'now' }).records())
    expect(letter?.value).toEqual(Buffer.from('{not json'))
    expect(letter?.header('millrace-error-name')).toBe('INVALID_ARGUMENT')
  })

  test('skip goes on without the record', async () => {
    backend = await filled(5, 5)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      retry: { attempts: 1 },
      onPoison: skip(),
      each: ({ value }) => {
        if (value?.n === 2) throw new Error('no')
      },
    })
    await eventually('all is dealt with', () => consumer.stats.processed === 5)
    await consumer.close()
    await run
    expect(consumer.stats.skipped).toBe(1)
    expect(await checkpointOf(backend, 'g')).toBe('5')
  })

  test('a missing dead-letter topic is told before a record is at stake', async () => {
    backend = await filled(1, 1)
    const run = backend.streams
      .consumer({ group: 'g', topics: [events] })
      .run({ onPoison: deadLetter('nowhere'), each: () => {} })
    await expect(run).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/topics create/),
    })
  })

  test('what is sent back to one group is passed over by the others', async () => {
    backend = await filled(0, 1)
    await backend.producer.send(events, { id: 'a', n: 1 }, { headers: { [redriveHeaders.only]: 'mine' } })
    await backend.producer.send(events, { id: 'a', n: 2 })
    const seen: Record<string, number[]> = { mine: [], other: [] }
    for (const group of ['mine', 'other']) {
      const consumer = backend.streams.consumer({ group, topics: [events] })
      const run = consumer.run({ each: ({ value }) => seen[group]?.push(value?.n ?? -1) })
      await eventually('both are dealt with', () => consumer.stats.processed === 2)
      await consumer.close()
      await run
    }
    expect(seen).toEqual({ mine: [1, 2], other: [2] })
  })

  test('records of a parked key wait for those sent back, and come in order', async () => {
    backend = await filled(6, 2)
    let broken = true
    const seen: number[] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      retry: { attempts: 1 },
      onPoison: park('letters'),
      each: ({ key, value }) => {
        if (key === 'k1' && broken) throw new Error('no')
        if (key === 'k1') seen.push(value?.n ?? -1)
      },
    })
    await eventually('all six are dealt with', () => consumer.stats.processed === 6)
    broken = false
    const letters = await Array.fromAsync(backend.streams.read('letters', { until: 'now' }).records())
    const back = letters.map((letter) => ({
      key: letter.key,
      value: letter.value,
      headers: { [redriveHeaders.parked]: letter.header('millrace-parked') as string },
    }))
    // The second goes first: its turn has not come, so it is set aside again; twice is once.
    for (const i of [1, 0, 0, 1]) await backend.producer.sendRecords('events', [back[i] as (typeof back)[0]])
    await backend.producer.send(events, { id: 'k1', n: 100 })
    await eventually('the new record is set aside as well', () => consumer.stats.deadLettered === 5)
    expect(seen).toEqual([1, 3])
    await backend.producer.sendRecords('events', [back[2] as (typeof back)[0]])
    await eventually('the third is handled', () => seen.length === 3)
    const last = (await Array.fromAsync(backend.streams.read('letters', { until: 'now' }).records())).at(-1)
    await backend.producer.sendRecords('events', [
      {
        key: 'k1',
        value: last?.value ?? null,
        headers: { [redriveHeaders.parked]: last?.header('millrace-parked') as string },
      },
    ])
    await eventually('the key is free', () => seen.length === 4)
    await backend.producer.send(events, { id: 'k1', n: 101 })
    await eventually('new records are handled again', () => seen.length === 5)
    expect(seen).toEqual([1, 3, 5, 100, 101])
    await consumer.close()
    await run
  })

  test('full: the next key that fails stops the run with the remedy', async () => {
    backend = await filled(3, 3)
    const run = backend.streams.consumer({ group: 'g', topics: [events] }).run({
      retry: { attempts: 1 },
      onPoison: park('letters', { maxKeys: 2 }),
      each: () => {
        throw new Error('no')
      },
    })
    await expect(run).rejects.toThrow(/parked 2 keys [\s\S]*millrace replay/)
    expect(await checkpointOf(backend, 'g')).toBe('2')
  })

  test('a handler that hangs loses its partition, and has it back when it has ended', async () => {
    backend = await filled(3, 3)
    const hang = Promise.withResolvers<void>()
    let aborted: unknown
    let calls = 0
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({
      maxProcessingMs: 40,
      each: async ({ value }, { signal }) => {
        if (value?.n !== 1 || calls++ > 0) return
        signal.addEventListener('abort', () => {
          aborted = signal.reason
        })
        await hang.promise
      },
    })
    await eventually('the handler is aborted', () => aborted !== undefined)
    expect(aborted).toMatchObject({ code: 'TIMEOUT' })
    expect(consumer.stats.assignments).toEqual([])
    hang.resolve()
    await eventually('the record comes again and all is done', () => calls === 2)
    await consumer.close()
    await run
    expect(await checkpointOf(backend, 'g')).toBe('3')
  })
})
