import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, type Streams } from '../../../src/index.ts'
import { scaleTopic } from '../../../src/tools/scale.ts'

async function opened(partitions: number): Promise<Streams> {
  const streams = (await connect('memory:')) as Streams
  onTestFinished(() => streams.close())
  await streams.admin.createTopic({ name: 'orders', partitions })
  return streams
}

async function widths(streams: Streams): Promise<number[]> {
  const { partitions } = await streams.admin.describeTopic('orders')
  return partitions
    .filter(({ state }) => state === 'open')
    .map(({ hashRange }) => (Number(hashRange!.to) - Number(hashRange!.from) + 1) / 2 ** 32)
    .sort()
}

describe('scaleTopic', () => {
  test.each([
    [8, 4, [0.25, 0.25, 0.25, 0.25]],
    [8, 5, [0.125, 0.125, 0.25, 0.25, 0.25]],
    [4, 1, [1]],
    [2, 4, [0.25, 0.25, 0.25, 0.25]],
    [3, 3, [1 / 3, 1 / 3, 1 / 3]],
  ])('from %i to %i, evenly', async (before, after, expected) => {
    const streams = await opened(before)
    const seen: number[] = []
    const report = await scaleTopic(streams, 'orders', after, { onProgress: (open) => seen.push(open) })
    expect(report).toEqual({ before, after })
    const found = await widths(streams)
    expect(found).toHaveLength(after)
    found.forEach((width, i) => {
      expect(width).toBeCloseTo(expected[i]!, 6)
    })
    if (after < before) expect(seen).toEqual(Array.from({ length: before - after }, (_, i) => before - 1 - i))
    if (after > before) expect(seen.at(-1)).toBe(after)
  })

  test('stops between two steps when told to', async () => {
    const streams = await opened(8)
    const stop = new AbortController()
    const report = await scaleTopic(streams, 'orders', 2, {
      signal: stop.signal,
      onProgress: (open) => {
        if (open === 6) stop.abort()
      },
    })
    expect(report).toEqual({ before: 8, after: 6 })
  })

  test('refuses what cannot be', async () => {
    const streams = await opened(2)
    await expect(scaleTopic(streams, 'orders', 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(scaleTopic(streams, 'nope', 3)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('fails as the backend does', async () => {
    const streams = await opened(2)
    const error = new Error('no')
    streams.admin.addPartitions = () => Promise.reject(error)
    await expect(scaleTopic(streams, 'orders', 3, { onProgress: () => {} })).rejects.toBe(error)
  })
})
