import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { connect, json, type SendResult, topic } from '../../../../src/index.ts'
import { type ReplayOptions, type ReplayProgress, replay } from '../../../../src/tools/replay.ts'

const streams = await connect('memory:')
const directory = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
afterAll(async () => {
  await streams.close()
  rmSync(directory, { recursive: true, force: true })
})

interface Event {
  readonly key: string
  readonly n: number
}

let topics = 0
async function freshTopic(partitions = 3): Promise<string> {
  const name = `t${topics++}`
  await streams.admin.createTopic({ name, partitions })
  return name
}

const events = (name: string) => topic(name, { value: json<Event>(), key: (event) => event.key })

async function send(name: string, count: number, from = 0): Promise<SendResult[]> {
  await using producer = streams.producer()
  const all = Array.from({ length: count }, (_, i) => ({ key: `k${(from + i) % 17}`, n: from + i }))
  return [
    ...(await producer.sendRecords(
      events(name),
      all.map((value) => ({ value, timestamp: value.n * 10 })),
    )),
  ]
}

async function read(name: string): Promise<Event[]> {
  const found: Event[] = []
  for await (const record of streams.read(events(name), { until: 'now' }).records()) found.push(record.value!)
  return found
}

function expectInOrder(found: readonly Event[]): void {
  for (const [key, some] of Map.groupBy(found, (event) => event.key)) {
    const numbers = some.map(({ n }) => n)
    expect({ key, numbers }).toEqual({ key, numbers: [...numbers].sort((a, b) => a - b) })
  }
}

test('order per key survives splits and merges of the source', async () => {
  const from = await freshTopic(2)
  await send(from, 400)
  const children = await streams.admin.splitPartition(from, '0')
  await send(from, 400, 400)
  await streams.admin.mergePartitions(from, [children[0]!, children[1]!])
  await send(from, 400, 800)
  await streams.admin.addPartitions(from, 5)
  await send(from, 400, 1_200)
  const to = await freshTopic(4)
  expect(await replay({ streams, topic: from }, { streams, topic: to })).toMatchObject({
    ended: 'complete',
    records: 1_600,
  })
  const found = await read(to)
  expect(found).toHaveLength(1_600)
  expectInOrder(found)
})

test('it ends where the topic ended when it started, and a state keeps that end', async () => {
  const from = await freshTopic()
  const to = await freshTopic()
  await send(from, 3_000)
  const state = join(directory, `${from}.json`)
  const stop = new AbortController()
  const first = await replay(
    { streams, topic: from },
    { streams, topic: to },
    {
      state,
      rate: 3_000,
      signal: stop.signal,
      onProgress: ({ records }) => {
        if (records > 500) stop.abort()
      },
    },
  )
  expect(first.ended).toBe('interrupted')
  expect(first.records).toBeLessThan(3_000)
  await send(from, 500, 3_000)
  const resumed: unknown[] = []
  const second = await replay(
    { streams, topic: from },
    { streams, topic: to },
    { state, onResume: (how) => resumed.push(how) },
  )
  expect(second).toMatchObject({
    ended: 'complete',
    records: 3_000 - first.records,
    resumedAfter: first.records,
    mayRepeat: 0,
  })
  expect(resumed).toEqual([{ records: first.records, mayRepeat: 0 }])
  const found = await read(to)
  expect(found.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, n) => n))
  expectInOrder(found)
  expect(await replay({ streams, topic: from }, { streams, topic: to }, { state })).toMatchObject({
    ended: 'already',
  })
})

test('a state keeps the times of its first start, and refuses other places', async () => {
  const from = await freshTopic()
  const to = await freshTopic()
  await send(from, 300)
  const state = join(directory, `${from}.json`)
  const run = (options: ReplayOptions) =>
    replay({ streams, topic: from }, { streams, topic: to }, { state, ...options })
  const stop = new AbortController()
  const first = await run({
    from: { timestamp: new Date(1_000) },
    until: { timestamp: 2_000 },
    rate: 50,
    signal: stop.signal,
    onProgress: ({ records }) => {
      if (records > 5) stop.abort()
    },
  })
  expect(first.ended).toBe('interrupted')
  await expect(run({ from: 'earliest' })).rejects.toThrow(/state of another replay: its options/)
  await expect(run({ from: { timestamp: 1 }, until: { timestamp: 2 }, keys: ['k1'] })).rejects.toThrow(
    /another replay/,
  )
  await run({ from: { timestamp: 1_500 }, until: { timestamp: 9_999 } })
  expect((await read(to)).map(({ n }) => n).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 100),
  )
})

test('ranges of time that meet neither lose nor double', async () => {
  const from = await freshTopic()
  await send(from, 1_000)
  const cuts = [0, 1_234, 5_000, 5_001, 9_990, 20_000]
  const to = await freshTopic()
  for (let i = 1; i < cuts.length; i++) {
    await replay(
      { streams, topic: from },
      { streams, topic: to },
      {
        from: { timestamp: cuts[i - 1]! },
        until: { timestamp: cuts[i]! },
      },
    )
  }
  expect((await read(to)).map(({ n }) => n).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 1_000 }, (_, n) => n),
  )
})

test('a filter chooses, progress adds up', async () => {
  const from = await freshTopic()
  await send(from, 5_000)
  const to = await freshTopic()
  const told: ReplayProgress[] = []
  const report = await replay(
    { streams, topic: from },
    { streams, topic: to },
    {
      filter: ({ key }) => key !== null && Buffer.from(key).toString() === 'k3',
      onProgress: (progress) => told.push(progress),
    },
  )
  expect(report.records + report.filtered).toBe(5_000)
  expect(await read(to)).toHaveLength(report.records)
  expect(told.at(-1)).toMatchObject({ records: report.records, remaining: 0 })
})

test('a partition that is there twice stays in its place when asked', async () => {
  const from = await freshTopic(3)
  const stood = (await send(from, 30)).map(({ partition }) => partition)
  const to = await freshTopic(3)
  await replay({ streams, topic: from }, { streams, topic: to }, { keepPartitions: true })
  const found = new Map<number, string>()
  for await (const { value, partition } of streams.read(events(to), { until: 'now' }).records()) {
    found.set(value!.n, partition)
  }
  expect(stood.map((_, n) => found.get(n))).toEqual(stood)
})

test('what the filter passes over is no part of the pace', async () => {
  const from = await freshTopic()
  const to = await freshTopic()
  await send(from, 2)
  // A day later, by its own time: at the records' own speed that would take a day.
  await using producer = streams.producer()
  await producer.sendRecords(
    events(from),
    [2, 3].map((n) => ({ value: { key: 'late', n }, timestamp: 86_400_000 + n })),
  )
  const report = await replay(
    { streams, topic: from },
    { streams, topic: to },
    { speed: 1, filter: ({ timestamp }) => timestamp! >= 86_400_000 },
  )
  expect(report).toMatchObject({ records: 2, filtered: 2 })
  expect((await read(to)).map(({ n }) => n)).toEqual([2, 3])
})

test.each([
  [{ speed: 0 }, /the speed is a number above 0/],
  [{ rate: -1 }, /the rate is a number/],
  [{ speed: 1, rate: 1 }, /exclude each other/],
  [{ stateEvery: 0 }, /whole number of records/],
  [{ partitions: ['9'] }, /has no partition "9"/],
])('refuses %j', async (options, message) => {
  const from = await freshTopic()
  const to = await freshTopic()
  await expect(replay({ streams, topic: from }, { streams, topic: to }, options)).rejects.toThrow(message)
})
