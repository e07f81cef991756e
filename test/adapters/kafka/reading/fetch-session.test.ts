import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { FetchSession, type PartitionAsk } from '../../../../adapters/kafka/reading/fetch-session.ts'
import { openReader } from '../../../../adapters/kafka/reading/kafka-reader.ts'
import type { FetchedPartition, FetchRequest } from '../../../../adapters/kafka/wire/protocol/fetch.ts'
import type { KafkaWire } from '../../../../adapters/kafka/wire/wire.ts'
import { TestCluster } from '../support/test-cluster.ts'

const ask = (partition: number, offset = 0): PartitionAsk => {
  return { topic: 't', partition, offset, maxBytes: 100, leaderEpoch: 0 }
}
const asks = (count: number, offset = 0): PartitionAsk[] =>
  Array.from({ length: count }, (_, partition) => ask(partition, offset))

function said(partition: number, highWatermark: number, errorCode = 0): FetchedPartition {
  const records = Buffer.from('records')
  const rest = { lastStable: highWatermark, logStart: 0, aborted: [], preferredReplica: -1 }
  return { topic: 't', partition, errorCode, highWatermark, records, ...rest }
}
const saidOfAll = (count: number, highWatermark: number): FetchedPartition[] =>
  Array.from({ length: count }, (_, partition) => said(partition, highWatermark))

describe('a fetch session', () => {
  test('is not made for a few partitions', () => {
    const session = new FetchSession()
    expect(session.request(asks(6))).toEqual({
      session: { id: 0, epoch: -1 },
      partitions: asks(6),
      forgotten: [],
    })
    expect(session.answered({ errorCode: 0, session: 0, partitions: saidOfAll(6, 1) })).toHaveLength(6)
  })

  test('names what has changed, and what is not wanted any more', () => {
    const session = new FetchSession()
    expect(session.request(asks(20)).session).toEqual({ id: 0, epoch: 0 })
    session.answered({ errorCode: 0, session: 77, partitions: saidOfAll(20, 5) })
    const next = [...asks(18), ask(18, 5), ask(30)]
    expect(session.request(next)).toEqual({
      session: { id: 77, epoch: 1 },
      partitions: [ask(18, 5), ask(30)],
      forgotten: [ask(19)],
    })
    session.answered({ errorCode: 0, session: 77, partitions: [] })
    expect(session.request(next)).toEqual({ session: { id: 77, epoch: 2 }, partitions: [], forgotten: [] })
  })

  test('gives what is left out of an answer as it was, without its records', () => {
    const session = new FetchSession()
    session.request(asks(20))
    session.answered({ errorCode: 0, session: 77, partitions: saidOfAll(20, 5) })
    session.request(asks(20))
    const answer = session.answered({ errorCode: 0, session: 77, partitions: [said(3, 9), said(4, 5, 6)] })!
    expect(answer).toHaveLength(20)
    expect(answer.slice(0, 2)).toEqual([said(3, 9), said(4, 5, 6)])
    for (const { partition, errorCode, highWatermark, records } of answer.slice(2)) {
      expect([errorCode, highWatermark, records.length, [3, 4].includes(partition)]).toEqual([0, 5, 0, false])
    }
    // An error that is not told again is over.
    session.request(asks(20))
    const after = session.answered({ errorCode: 0, session: 77, partitions: [] })!
    expect(after.find(({ partition }) => partition === 4)?.errorCode).toBe(0)
  })

  test.each([70, 71, 106])('begins anew when the broker answers %i', (errorCode) => {
    const session = new FetchSession()
    session.request(asks(20))
    session.answered({ errorCode: 0, session: 77, partitions: saidOfAll(20, 5) })
    session.request(asks(20))
    expect(session.answered({ errorCode, session: 0, partitions: [] })).toBeUndefined()
    expect(session.request(asks(20))).toEqual({
      session: { id: 0, epoch: 0 },
      partitions: asks(20),
      forgotten: [],
    })
  })
})

describe.runIf(inject('docker'))('readers of many partitions', () => {
  const PARTITIONS = 40
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await TestCluster.open()
  })
  afterAll(() => cluster?.close())

  test('are given all there is, by requests that name a few', { timeout: 60_000 }, async () => {
    const topic = await cluster.topic(PARTITIONS)
    const requests: FetchRequest[] = []
    const noted = new TestCluster(noting(cluster.wire, requests))
    const stop = new AbortController()
    const seen = new Map<number, number[]>()
    const reading = Array.from({ length: PARTITIONS }, async (_, partition) => {
      const options = { topic, partition: String(partition), start: { from: 'earliest' } } as const
      const reader = await openReader(noted, options, () => {})
      const values: number[] = []
      seen.set(partition, values)
      while (!stop.signal.aborted) {
        const batch = await reader.next({ maxBytes: 10_000, signal: stop.signal }).catch(() => null)
        for (let i = 0; i < (batch?.count ?? 0); i++)
          values.push(Number(Buffer.from(batch!.value(i)!).toString()))
      }
      await reader.close()
    })
    const written = new Map<number, number[]>()
    for (let i = 0; i < 120; i++) {
      const partition = (i * 7) % (i < 60 ? PARTITIONS : 3)
      await cluster.write(topic, partition, [String(i)])
      written.set(partition, [...(written.get(partition) ?? []), i])
    }
    const all = () => [...seen].filter(([, values]) => values.length > 0).toSorted(([a], [b]) => a - b)
    await expect.poll(all, { timeout: 20_000 }).toEqual([...written].toSorted(([a], [b]) => a - b))
    stop.abort()
    await Promise.all(reading)
    const incremental = requests.filter(({ session }) => session!.id > 0)
    expect(incremental.length).toBeGreaterThan(20)
    const named = incremental.reduce((sum, { partitions }) => sum + partitions.length, 0)
    expect(named / incremental.length).toBeLessThan(PARTITIONS / 2)
  })
})

/** Notes the Fetch requests. */
function noting(wire: KafkaWire, requests: FetchRequest[]): KafkaWire {
  return new Proxy(wire, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'request') return value.bind(target)
      return (...args: Parameters<KafkaWire['request']>) => {
        if (args[1].name === 'Fetch') requests.push(args[2] as FetchRequest)
        return target.request(...args)
      }
    },
  })
}
