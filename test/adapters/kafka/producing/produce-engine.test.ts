import { describe, expect, test } from 'vitest'
import { Idempotence } from '../../../../adapters/kafka/producing/idempotence.ts'
import { PARTITIONERS } from '../../../../adapters/kafka/producing/partitioner.ts'
import { ProduceEngine } from '../../../../adapters/kafka/producing/produce-engine.ts'
import { KafkaError } from '../../../../adapters/kafka/wire/error-codes.ts'
import { type EncodedRecord, PartialFailureError, StreamError } from '../../../../src/driver.ts'
import { FakeCluster, type Fault } from './fake-cluster.ts'

const PARTITIONS = 6

function setUp(deliveryTimeoutMs = 20_000) {
  const cluster = new FakeCluster('t', PARTITIONS)
  const engine = new ProduceEngine(cluster, new Idempotence(cluster), {
    acks: -1,
    compression: 'none',
    partitioner: PARTITIONERS.kafka,
    deliveryTimeoutMs,
  })
  return { cluster, engine }
}

function record(key: string | null, value: string, partition?: string): EncodedRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition,
  }
}

/** A small generator of numbers that a seed repeats: https://en.wikipedia.org/wiki/Xorshift */
function random(seed: number): () => number {
  let x = seed * 2_654_435_761 || 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
}

const REQUEST_FAULTS: readonly Fault[] = ['lost', 'unanswered', 'late', 'doubled', 'answered-late']
const PARTITION_FAULTS: readonly Fault[] = [
  'not-leader',
  'left-out',
  'not-enough-replicas',
  'not-enough-replicas-after-append',
]

describe('whatever goes wrong, what is acknowledged is there once, where it was said to be, in order per key', () => {
  const seeds = Array.from({ length: process.env.MILLRACE_LONG === '1' ? 200 : 12 }, (_, i) => i + 1)
  test.concurrent.each(seeds)('seed %i', async (seed) => {
    const { cluster, engine } = setUp()
    const next = random(seed)
    cluster.inOrder = next() < 0.5
    cluster.takesAnySequence = next() < 0.5
    // Some are large enough that several batches are on their way.
    const padding = seed % 3 === 0 ? 'x'.repeat(30_000) : ''
    cluster.fault = (scope) => {
      const faults = scope === 'request' ? REQUEST_FAULTS : PARTITION_FAULTS
      return next() < 0.25 ? faults[Math.floor(next() * faults.length)]! : 'none'
    }
    const sent: string[] = []
    const calls: Promise<void>[] = []
    let number = 0
    for (let i = 0; i < 60; i++) {
      const records = Array.from({ length: 1 + Math.floor(next() * 8) }, () => {
        const key = next() < 0.2 ? null : `k${Math.floor(next() * 20)}`
        const value = `${key}:${number++}:${padding}`
        sent.push(value)
        return record(key, value)
      })
      calls.push(
        engine.send('t', records).result.then((acknowledgement) => {
          for (const [j, { value }] of records.entries()) {
            const { log } = cluster.partitions[Number(acknowledgement.partition(j))]!
            expect(log[Number(acknowledgement.position(j))]?.value).toBe(Buffer.from(value!).toString())
          }
        }),
      )
      if (next() < 0.3) await new Promise((resolve) => setTimeout(resolve, next() * 10))
    }
    await Promise.all(calls)
    const written = cluster.partitions.flatMap(({ log }) => log)
    expect(written.map(({ value }) => value).sort()).toEqual(sent.sort())
    for (const { log } of cluster.partitions) {
      for (const key of new Set(log.map((each) => each.key))) {
        if (key === null) continue
        const numbers = log.filter((each) => each.key === key).map(({ value }) => Number(value.split(':')[1]))
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      }
    }
    engine.close(new StreamError('CLOSED', 'over'))
  })
})

test('a broker that fails once loses and doubles nothing of keyless records', async () => {
  const { cluster, engine } = setUp()
  let failures = 1
  cluster.fault = (scope) => (scope === 'request' && failures-- > 0 ? 'lost' : 'none')
  const records = Array.from({ length: 100 }, (_, i) => record(null, String(i)))
  const acknowledgements = await Promise.all(records.map((each) => engine.send('t', [each]).result))
  expect(acknowledgements).toHaveLength(100)
  const written = cluster.partitions.flatMap(({ log }) => log.map(({ value }) => value))
  expect(written.sort()).toEqual(records.map(({ value }) => Buffer.from(value!).toString()).sort())
})

test('a leader that moves to a broker that has answered already is followed', async () => {
  const { cluster, engine } = setUp()
  let moves = 3
  cluster.fault = (scope) => (scope === 'partition' && moves-- > 0 ? 'not-leader' : 'none')
  const records = Array.from({ length: 60 }, (_, i) => record(`k${i}`, String(i)))
  const acknowledgement = await engine.send('t', records).result
  expect(acknowledgement.count).toBe(60)
  expect(cluster.partitions.flatMap(({ log }) => log)).toHaveLength(60)
})

test('a producer that the broker has forgotten goes on under a new epoch', async () => {
  const { cluster, engine } = setUp()
  await engine.send('t', [record('a', '1', '0')]).result
  cluster.forgetProducers(0)
  const acknowledgement = await engine.send('t', [record('a', '2', '0')]).result
  expect(acknowledgement.position(0)).toBe('1')
  expect(cluster.partitions[0]!.log.map(({ value }) => value)).toEqual(['1', '2'])
})

test('a batch that was given up leaves its sequence unused', async () => {
  const { cluster, engine } = setUp(100)
  await engine.send('t', [record('a', '1', '0')]).result
  cluster.fault = (scope) => (scope === 'request' ? 'lost' : 'none')
  await expect(engine.send('t', [record('a', '2', '0')]).result).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  cluster.fault = () => 'none'
  const { length } = cluster.partitions[0]!.log
  const acknowledgement = await engine.send('t', [record('a', '3', '0')]).result
  expect(acknowledgement.position(0)).toBe(String(length))
  expect([...cluster.partitions[0]!.producers.values()].map(({ epoch }) => epoch)).toEqual([1])
})

describe('what cannot even begin is given up after the delivery time-out, and what comes later goes on', () => {
  test.each([
    ['without a leader', (cluster: FakeCluster, missing: boolean) => setLeaders(cluster, missing ? -1 : 1)],
    [
      'without a producer id',
      (cluster: FakeCluster, missing: boolean) => {
        cluster.producerIdError = missing ? KafkaError.COORDINATOR_LOAD_IN_PROGRESS : KafkaError.NONE
      },
    ],
  ])('%s', async (_, setMissing) => {
    const { cluster, engine } = setUp(200)
    setMissing(cluster, true)
    const early = engine.send('t', [record('a', 'early', '0')]).result
    await expect(early).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const later = engine.send('t', [record('a', 'later', '0')]).result
    setMissing(cluster, false)
    expect((await later).position(0)).toBe('0')
    expect(cluster.partitions[0]!.log.map(({ value }) => value)).toEqual(['later'])
  })
})

function setLeaders(cluster: FakeCluster, leader: number): void {
  for (const [partition, state] of cluster.partitions.entries()) {
    state.leader = leader
    cluster.invalidate({ kind: 'leader', topic: 't', partition })
  }
}

test('a record that the broker refuses does not take those of other calls with it', async () => {
  const { cluster, engine } = setUp()
  await engine.send('t', [record('a', 'first', '0')]).result
  cluster.refuse = (records) => (records.some(({ value }) => value === 'bad') ? 87 : 0)
  const calls = ['1', 'bad', '2'].map((value) => engine.send('t', [record('a', value, '0')]).result)
  const [one, bad, two] = await Promise.allSettled(calls)
  expect([one?.status, two?.status]).toEqual(['fulfilled', 'fulfilled'])
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_ARGUMENT' } })
  expect(cluster.partitions[0]!.log.map(({ value }) => value)).toEqual(['first', '1', '2'])
})

test('what is refused in part tells which', async () => {
  const { engine } = setUp()
  const failure = await engine
    .send('t', [record('a', '1', '0'), record('a', '2', '77')])
    .result.catch((e) => e)
  expect(failure).toBeInstanceOf(PartialFailureError)
  expect(failure.outcomes).toEqual([
    { partition: '0', position: '0' },
    { error: expect.objectContaining({ code: 'NOT_FOUND' }) },
  ])
})

test('what is too large is refused before anything of the call is sent', async () => {
  const { cluster, engine } = setUp()
  cluster.maxMessageBytes = 10_000
  const limit = 10_000 - 128
  const fits = record('k', 'x'.repeat(limit - 1))
  await engine.send('t', [fits]).result
  const call = engine.send('t', [record('k', '1'), record('k', 'x'.repeat(limit))])
  await expect(call.result).rejects.toMatchObject({
    code: 'RECORD_TOO_LARGE',
    message: expect.stringContaining(String(limit)),
  })
  expect(cluster.partitions.flatMap(({ log }) => log)).toHaveLength(1)
})

test('closing rejects by name what has not been acknowledged', async () => {
  const { cluster, engine } = setUp()
  cluster.fault = (scope) => (scope === 'request' ? 'lost' : 'none')
  const call = engine.send('t', [record('a', '1')])
  await new Promise((resolve) => setTimeout(resolve, 20))
  engine.close(new StreamError('CLOSED', 'the producer is closed: open another one'))
  await expect(call.result).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(engine.send('t', [record('a', '2')]).result).rejects.toMatchObject({ code: 'CLOSED' })
  await engine.idle()
})

test('a topic that is not there is told', async () => {
  const { engine } = setUp()
  await expect(engine.send('nowhere', [record('a', '1')]).result).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
