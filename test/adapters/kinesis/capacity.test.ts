import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, ok } from '../../src/cli/support/cli.ts'
import { startKinesisFake } from '../../support/kinesis-fake/start-kinesis-fake.ts'
import { setCredentials } from './support/credentials.ts'
import { addressOf } from './support/fake-backend.ts'

interface Line {
  readonly key: string
  readonly value: { readonly n: number }
}

interface Described {
  readonly state: string
  readonly hashRange: { readonly from: string; readonly to: string }
}

/** One in four records has a key of its own, the others share one. */
const lines = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i
    return `{"key":"${n % 4 === 0 ? `k${n}` : 'hot'}","value":{"n":${n}}}\n`
  }).join('')

async function onFake() {
  const fake = await startKinesisFake()
  const address = addressOf(fake).replace('?', '/orders?')
  return { fake, address, [Symbol.asyncDispose]: () => fake.stop() }
}

describe('capacity of a stream', () => {
  beforeAll(setCredentials)

  test('topics plan measures it, and names the shard and the key that are hot', async () => {
    await using on = await onFake()
    const { address } = on
    await ok(['topics', 'create', address, '--partitions', '4'])
    await ok(['produce', address], lines(800))
    const plan = ['topics', 'plan', address, '--window', '5m']
    const { measured, hot, kinesis, load } = JSON.parse(await ok([...plan, '--json', '--readers', '3']))
    expect(measured).toMatchObject({ records: 800 })
    expect(measured.partitions).toHaveLength(4)
    expect(hot).toEqual([expect.objectContaining({ cause: 'key' })])
    const [hottest] = measured.partitions.filter(
      ({ partition }: { partition: string }) => partition === hot[0].partition,
    )
    expect(hottest).toMatchObject({ shareOfKeys: 0.25, hotKey: { key: 'hot' } })
    expect(hottest.shareOfLoad).toBeGreaterThan(0.7)
    expect(load.readers).toBe(3)
    expect(kinesis.writing.shards).toBeGreaterThanOrEqual(1)
    const text = await ok(plan)
    expect(text).toMatch(/^orders: 4 open partitions, 800 records /)
    expect(text).toMatch(new RegExp(`${hot[0].partition} +25.0 %.*hot`))
  })

  test('topics scale splits and merges to even ranges and waits; no record and no order of a key is lost', async () => {
    await using on = await onFake()
    const { fake, address } = on
    const scale = (partitions: number, ...more: string[]) =>
      ok(['topics', 'scale', address, '--partitions', String(partitions), ...more])
    await ok(['topics', 'create', address, '--partitions', '2'])
    await ok(['produce', address], lines(100))
    expect(await scale(3)).toBe('orders has 3 open partitions, 2 before\n')
    const { partitions } = JSON.parse(await ok(['topics', 'describe', address, '--json']))
    const widths = (partitions as Described[])
      .filter(({ state }) => state === 'open')
      .map(({ hashRange: { from, to } }) => Number(BigInt(to) - BigInt(from) + 1n) / 2 ** 128)
    expect(widths).toHaveLength(3)
    for (const width of widths) expect(width).toBeCloseTo(1 / 3, 6)
    await ok(['produce', address], lines(100, 100))
    expect(JSON.parse(await scale(1, '--json'))).toEqual({ before: 3, after: 1 })
    // The endpoint is not AWS's: by splits and merges alone.
    expect(fake.calls.count('UpdateShardCount')).toBe(0)
    await ok(['produce', address], lines(100, 200))
    const read = jsonLines<Line>(await ok(['consume', address, '--until', 'now']))
    expect(read.map(({ value }) => value.n).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, n) => n),
    )
    const ofHot = read.filter(({ key }) => key === 'hot').map(({ value }) => value.n)
    expect(ofHot).toEqual(ofHot.toSorted((a, b) => a - b))
  })
})
