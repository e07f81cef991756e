import { describe, expect, test } from 'vitest'
import { connect, json, topic } from '../../../src/index.ts'
import { eventually } from '../consumer/fixture.ts'

const numbers = topic('numbers', { value: json<number>(), key: (n) => `k${n % 7}` })

async function backend(count: number, partitions = 1) {
  const streams = await connect('memory:')
  await streams.admin.createTopic({ name: 'numbers', partitions })
  const records = Array.from({ length: count }, (_, n) => ({ value: n, timestamp: 1_000 + n }))
  await streams.producer().sendRecords(numbers, records)
  return streams
}

describe('read', () => {
  test.each([
    ['earliest', 'earliest' as const, [0, 1, 2, 3, 4, 5]],
    ['latest', 'latest' as const, []],
    ['at', { at: '3' }, [3, 4, 5]],
    ['after', { after: '3' }, [4, 5]],
    ['timestamp', { timestamp: 1_002 }, [2, 3, 4, 5]],
    ['Date', { timestamp: new Date(1_004) }, [4, 5]],
  ])('from %s', async (_name, from, expected) => {
    await using streams = await backend(6)
    const values = await Array.fromAsync(
      streams.read(numbers, { from, until: 'now' }).records(),
      ({ value }) => value,
    )
    expect(values).toEqual(expected)
  })

  test.each([
    ['at', { at: '3' }, [0, 1, 2]],
    ['after', { after: '3' }, [0, 1, 2, 3]],
    ['timestamp', { timestamp: 1_002 }, [0, 1]],
  ])('until %s', async (_name, until, expected) => {
    await using streams = await backend(6)
    const values = await Array.fromAsync(streams.read(numbers, { until }).records(), ({ value }) => value)
    expect(values).toEqual(expected)
  })

  test('until now is the end as it stood at the beginning', async () => {
    await using streams = await backend(3)
    const seen: (number | null)[] = []
    for await (const { value } of streams.read(numbers, { until: 'now' }).records()) {
      if (seen.length < 50) await streams.producer().send(numbers, 100)
      seen.push(value)
    }
    expect(seen).toEqual([0, 1, 2])
  })

  test('follows splits: all of the parent, then the children', async () => {
    await using streams = await backend(10)
    const seen: { partition: string; value: number | null; key: string | null }[] = []
    const reader = streams.read(numbers)
    const reading = (async () => {
      for await (const { partition, value, key } of reader.records()) seen.push({ partition, value, key })
    })()
    await eventually('the parent is read', () => seen.length === 10)
    const children = await streams.admin.splitPartition('numbers', '0')
    const producer = streams.producer()
    for (let n = 10; n < 24; n++) await producer.send(numbers, n)
    await eventually('the children are read', () => seen.length === 24)
    await reader.close()
    await reading
    expect(new Set(seen.slice(10).map(({ partition }) => partition))).toEqual(new Set(children))
    for (const key of new Set(seen.map((record) => record.key))) {
      const values = seen.filter((record) => record.key === key).map(({ value }) => value ?? -1)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }
  })

  test('single partitions, and a resume by starts', async () => {
    await using streams = await backend(60, 3)
    const all = await Array.fromAsync(streams.read(numbers, { until: 'now' }).records())
    const ofOne = all.filter(({ partition }) => partition === '1')
    const one = await Array.fromAsync(streams.read(numbers, { until: 'now', partitions: ['1'] }).records())
    expect(one.map(({ value }) => value)).toEqual(ofOne.map(({ value }) => value))
    const third = ofOne[2]?.position as string
    const resumed = await Array.fromAsync(
      streams.read(numbers, { until: 'now', starts: { 0: 'end', 1: { after: third }, 2: 'end' } }).records(),
    )
    expect(resumed.map(({ value }) => value)).toEqual(ofOne.slice(3).map(({ value }) => value))
  })

  test('a signal ends it with its reason, also while it waits', async () => {
    await using streams = await backend(1)
    const aborter = new AbortController()
    let seen = 0
    const reading = (async () => {
      for await (const batch of streams.read(numbers, { signal: aborter.signal })) seen += batch.length
    })()
    await eventually('the record is read', () => seen === 1)
    aborter.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })

  test.each([
    [{ from: { at: 'abc' } }, 'INVALID_ARGUMENT'],
    [{ from: { at: '999' } }, 'INVALID_ARGUMENT'],
    [{ partitions: ['9'] }, 'NOT_FOUND'],
    [{ starts: { 9: 'end' as const } }, 'NOT_FOUND'],
  ])('refuses %j', async (options, code) => {
    await using streams = await backend(3)
    const reading = Array.fromAsync(streams.read(numbers, { until: 'now', ...options }))
    await expect(reading).rejects.toMatchObject({ code })
  })

  test('a position belongs to one partition', async () => {
    await using streams = await backend(3, 2)
    await expect(Array.fromAsync(streams.read(numbers, { from: { at: '0' } }))).rejects.toThrow(
      /belongs to one partition/,
    )
  })

  test('a record that does not decode throws where it is looked at, and only there', async () => {
    await using streams = await backend(1)
    await streams.producer().send('numbers', Buffer.from('oops'))
    const [first, second] = await Array.fromAsync(streams.read(numbers, { until: 'now' }).records())
    expect(first?.value).toBe(0)
    expect(second?.rawValue).toEqual(Buffer.from('oops'))
    expect(() => second?.value).toThrow(
      expect.objectContaining({ name: 'DecodeError', position: '1', part: 'value' }),
    )
  })
})
