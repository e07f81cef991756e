import { afterEach, describe, expect, test } from 'vitest'
import { checkpointOf, events, eventually, type Filled, filled } from './fixture.ts'

describe('control of a consumer', () => {
  let backend: Filled
  afterEach(() => backend.streams.close())

  test('by hand, nothing is stored until it is asked for', async () => {
    backend = await filled(4, 4)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events], checkpoint: 'manual' })
    const run = consumer.run({
      each: async ({ value }, context) => {
        if (value?.n === 3) await context.checkpoint()
      },
    })
    await eventually('all is processed', () => consumer.stats.processed === 4)
    await consumer.close()
    await run
    expect(await checkpointOf(backend, 'g')).toBe('3')
  })

  test('by count, without waiting for the interval', async () => {
    backend = await filled(10, 10)
    const consumer = backend.streams.consumer({
      group: 'g',
      topics: [events],
      checkpoint: { intervalMs: 60_000, records: 5 },
    })
    const run = consumer.run({ each: () => {} })
    await eventually('ten are stored', async () => (await checkpointOf(backend, 'g')) === '10')
    await consumer.close()
    await run
  })

  test('paused partitions fetch no more until they are resumed', async () => {
    backend = await filled(2, 2)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({ each: () => {} })
    await eventually('two are processed', () => consumer.stats.processed === 2)
    consumer.pause('events')
    // One fetch may be under way; what comes behind it stays where it is.
    await backend.producer.send(events, { id: 'x', n: 2 })
    await eventually('the fetch under way has ended', () => consumer.stats.processed === 3)
    await backend.producer.send(events, { id: 'x', n: 3 })
    await backend.streams.admin.describeTopic('events')
    expect(consumer.stats.processed).toBe(3)
    consumer.resume('events', '0')
    await eventually('the fourth is processed', () => consumer.stats.processed === 4)
    await consumer.close()
    await run
  })

  test('seek goes back and forth, and is stored', async () => {
    backend = await filled(10, 10)
    const seen: number[] = []
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({ each: ({ value }) => seen.push(value?.n ?? -1) })
    await eventually('ten are processed', () => seen.length === 10)
    await consumer.seek({ at: '7' }, 'events', '0')
    await eventually('three come again', () => seen.length === 13)
    expect(seen.slice(10)).toEqual([7, 8, 9])
    await consumer.seek({ after: '1' })
    await eventually('eight come again', () => seen.length === 21)
    await expect(consumer.seek('earliest', 'events', '9')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await consumer.close()
    await run
    expect(await checkpointOf(backend, 'g')).toBe('10')
  })

  test('a loop that pulls stores what it says, and hands over when it asks for more', async () => {
    backend = await filled(10, 10)
    const first = backend.streams.consumer({ group: 'g', topics: [events] })
    for await (const batch of first) {
      await batch.checkpoint()
      break
    }
    expect(await checkpointOf(backend, 'g')).toBe('10')
    await backend.producer.send(events, { id: 'a', n: 10 })
    for await (const batch of backend.streams.consumer({ group: 'g', topics: [events] })) {
      expect(batch.records.map(({ value }) => value?.n)).toEqual([10])
      break
    }
    expect(await checkpointOf(backend, 'g')).toBe('10')
  })

  test('a signal ends run without an error', async () => {
    backend = await filled(3, 3)
    const aborter = new AbortController()
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({ signal: aborter.signal, each: () => {} })
    await eventually('all is processed', () => consumer.stats.processed === 3)
    aborter.abort()
    await run
    expect(await checkpointOf(backend, 'g')).toBe('3')
  })

  test('it is used one way, once', async () => {
    backend = await filled(1, 1)
    const consumer = backend.streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({ each: () => {} })
    await expect(consumer.run({ each: () => {} })).rejects.toThrow(/used once/)
    await consumer.close()
    await run
    const closed = backend.streams.consumer({ group: 'g', topics: [events] })
    await closed.close()
    await expect(closed.run({ each: () => {} })).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test.each([
    [{ sessionTimeoutMs: 1 }, /sessionTimeoutMs is 1/],
    [{ topics: [] }, /topics is empty/],
    [{ group: 'a/b' }, /no group name/],
    [{ checkpoint: { intervalMs: 0 } }, /checkpoint.intervalMs is 0/],
  ])('refuses %j', async (options, message) => {
    backend = await filled(0, 1)
    expect(() => backend.streams.consumer({ group: 'g', topics: [events], ...options })).toThrow(message)
  })

  test('run takes one handler, and limits that make sense', async () => {
    backend = await filled(0, 1)
    const consumer = () => backend.streams.consumer({ group: 'g', topics: [events] })
    await expect(consumer().run({})).rejects.toThrow(/give `each` or `batch`/)
    await expect(consumer().run({ each: () => {}, concurrency: 0 })).rejects.toThrow(/concurrency is 0/)
    await expect(consumer().run({ each: () => {}, retry: { attempts: 0 } })).rejects.toThrow(
      /retry.attempts is 0/,
    )
  })
})
