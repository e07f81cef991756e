import { describe, expect, test } from 'vitest'
import { Idempotence } from '../../../../adapters/kafka/producing/idempotence.ts'
import { KafkaProducer } from '../../../../adapters/kafka/producing/kafka-producer.ts'
import { PARTITIONERS } from '../../../../adapters/kafka/producing/partitioner.ts'
import { ProduceEngine } from '../../../../adapters/kafka/producing/produce-engine.ts'
import { KafkaError } from '../../../../adapters/kafka/wire/error-codes.ts'
import type { EncodedRecord } from '../../../../src/driver.ts'
import { TopicLane } from '../../../../src/producer/topic-lane.ts'
import { FakeCluster, type Fault } from './fake-cluster.ts'

/** Two of these are worth a request while others are on their way. */
const LARGE = 'x'.repeat(40_000)

function setUp(deliveryTimeoutMs = 20_000, partitions = 2) {
  const cluster = new FakeCluster('t', partitions)
  cluster.takesAnySequence = true
  const engine = new ProduceEngine(cluster, new Idempotence(cluster), {
    acks: -1,
    compression: 'none',
    partitioner: PARTITIONERS.kafka,
    deliveryTimeoutMs,
  })
  return { cluster, engine }
}

const record = (value: string, partition = '0'): EncodedRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(`${value}:${LARGE}`),
  headers: [],
  timestamp: undefined,
  partition,
})

const numbersIn = (cluster: FakeCluster, partition = 0): number[] =>
  cluster.partitions[partition]!.log.map(({ value }) => Number(value.split(':')[0]))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Calls of two records each, a turn of the event loop between them, so that each is a batch where there is room. */
async function sendAll(engine: ProduceEngine, calls: number): Promise<PromiseSettledResult<string>[]> {
  const results: Promise<string>[] = []
  for (let i = 0; i < calls; i++) {
    const records = [record(String(2 * i)), record(String(2 * i + 1))]
    results.push(engine.send('t', records).result.then((acknowledgement) => acknowledgement.position(0)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Promise.allSettled(results)
}

/** Every acknowledged call stands where it was said to be. */
function expectPlaces(cluster: FakeCluster, results: readonly PromiseSettledResult<string>[]): void {
  const numbers = numbersIn(cluster)
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled') expect(numbers[Number(result.value)]).toBe(2 * i)
  }
}

test('up to five batches of a partition are on their way, once the broker knows the producer', async () => {
  const { cluster, engine } = setUp()
  cluster.inOrder = true
  const results = await sendAll(engine, 60)
  expect(cluster.mostInFlight).toBe(5)
  expect(numbersIn(cluster)).toEqual(upTo(120))
  expectPlaces(cluster, results)
})

test('what is little of many partitions travels together while a request is on its way', async () => {
  const partitions = 300
  const { cluster, engine } = setUp(20_000, partitions)
  cluster.inOrder = true
  let requests = 0
  cluster.fault = (scope) => {
    if (scope === 'request') requests++
    return 'none'
  }
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < 10; i++) {
    const records = Array.from({ length: partitions }, (_, n) => ({
      ...record('', String(n)),
      value: Buffer.from(String(i)),
    }))
    calls.push(engine.send('t', records).result)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(calls)
  // One by itself, what came meanwhile, and what a linger may have cut in two.
  expect(requests).toBeLessThanOrEqual(20)
  for (const { log } of cluster.partitions) expect(log.map(({ value }) => Number(value))).toEqual(upTo(10))
})

describe('in the middle of five', () => {
  const faults: readonly Fault[] = [
    'lost',
    'unanswered',
    'late',
    'doubled',
    'answered-late',
    'not-leader',
    'left-out',
    'not-enough-replicas',
    'not-enough-replicas-after-append',
  ]
  test.each(faults)('%s: order and numbers are kept', async (fault) => {
    for (const nth of [2, 4, 7]) {
      const { cluster, engine } = setUp()
      cluster.inOrder = true
      const scope = faults.indexOf(fault) < faults.indexOf('not-leader') ? 'request' : 'partition'
      let seen = 0
      cluster.fault = (of) => (of === scope && ++seen === nth ? fault : 'none')
      const results = await sendAll(engine, 20)
      expect(results.map(({ status }) => status)).not.toContain('rejected')
      expect(numbersIn(cluster)).toEqual(upTo(40))
      expectPlaces(cluster, results)
    }
  })

  test('a batch that was given up takes those with it that may be in the log, and no others', async () => {
    for (let nth = 2; nth < 9; nth++) {
      const { cluster, engine } = setUp(60)
      cluster.inOrder = true
      let seen = 0
      // From the nth on it is as if a cable had been pulled, for longer than a record may take.
      cluster.fault = (of) =>
        of === 'request' && ++seen >= nth && seen < nth + 9
          ? seen % 2 === 0
            ? 'unanswered'
            : 'lost'
          : 'none'
      const results = await sendAll(engine, 12)
      cluster.fault = () => 'none'
      const last = await engine.send('t', [record('1000')]).result
      const numbers = numbersIn(cluster)
      expect(numbers.at(Number(last.position(0)))).toBe(1000)
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
      expectPlaces(cluster, results)
    }
  })

  test('a refused record fails its own call alone', async () => {
    for (const bad of [3, 8, 11]) {
      const { cluster, engine } = setUp()
      cluster.inOrder = true
      const isBad = (value: string) => value.startsWith(`${bad}:`)
      cluster.refuse = (records) =>
        records.some(({ value }) => isBad(value)) ? KafkaError.INVALID_RECORD : KafkaError.NONE
      const results = await sendAll(engine, 12)
      const refused = results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))
      expect(refused).toEqual([Math.floor(bad / 2)])
      expect(numbersIn(cluster)).toEqual(upTo(24).filter((n) => Math.floor(n / 2) !== Math.floor(bad / 2)))
      expectPlaces(cluster, results)
    }
  })

  test('a producer that the broker has forgotten goes on in order', async () => {
    const { cluster, engine } = setUp()
    cluster.inOrder = true
    cluster.takesAnySequence = false
    let seen = 0
    cluster.fault = (of) => {
      if (of === 'request' && ++seen === 5) cluster.forgetProducers(0)
      return 'none'
    }
    const results = await sendAll(engine, 20)
    expect(results.map(({ status }) => status)).not.toContain('rejected')
    expect(numbersIn(cluster)).toEqual(upTo(40))
  })
})

test('DUPLICATE_SEQUENCE_NUMBER is success, at a place that the broker has forgotten', async () => {
  const { cluster, engine } = setUp()
  cluster.refuse = () => KafkaError.DUPLICATE_SEQUENCE_NUMBER
  const acknowledgement = await engine.send('t', [record('0'), record('1')]).result
  expect([acknowledgement.position(0), acknowledgement.position(1)]).toEqual(['-1', '-1'])
})

/** Both partitions have their first record; the next one for either meets a leader that has moved and is not found before `found` resolves. */
async function withoutLeader() {
  const { cluster, engine } = setUp()
  await Promise.all(['0', '1'].map((partition) => engine.send('t', [record('0', partition)]).result))
  const found = Promise.withResolvers<void>()
  cluster.lookUp = () => found.promise
  let moves = 1
  cluster.fault = (of) => (of === 'partition' && moves-- > 0 ? 'not-leader' : 'none')
  return { cluster, engine, found, hasMoved: () => moves < 1 }
}

test('while the leader of one partition is looked for, the others go on', async () => {
  const { cluster, engine, found, hasMoved } = await withoutLeader()
  const moved = engine.send('t', [record('1', '0')]).result
  await expect.poll(hasMoved).toBe(true)
  for (let i = 1; i < 20; i++) await engine.send('t', [record(String(i), '1')]).result
  expect(numbersIn(cluster, 0)).toEqual([0])
  found.resolve()
  await moved
  expect(numbersIn(cluster, 0)).toEqual([0, 1])
})

test('of calls that travel together, those for other partitions do not wait for the leader of one', async () => {
  const { engine, found } = await withoutLeader()
  const lane = new TopicLane('t', new KafkaProducer(engine, 'client', () => {}))
  const settled: string[] = []
  const send = async (partition: string): Promise<void> => {
    const results = await lane.add([record('1', partition)])
    settled.push(`${results.at(0).partition}:${results.at(0).position}`)
  }
  const moved = send('0')
  await send('1')
  expect(settled).toEqual(['1:1'])
  found.resolve()
  await moved
  expect(settled).toEqual(['1:1', '0:1'])
})

test('a leader that goes amid it: what was on its way and what waits is given up in time, and what comes later goes on', async () => {
  const { cluster, engine } = setUp(500)
  cluster.inOrder = true
  const state = cluster.partitions[0]!
  const setLeader = (leader: number): void => {
    state.leader = leader
    cluster.invalidate({ kind: 'leader', topic: 't', partition: 0 })
  }
  let requests = 0
  cluster.fault = (scope) => {
    if (scope !== 'request' || ++requests < 4) return 'none'
    setLeader(-1)
    return 'lost'
  }
  const results = await sendAll(engine, 40)
  expect(results.at(0)!.status).toBe('fulfilled')
  expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
  expectPlaces(cluster, results)
  cluster.fault = () => 'none'
  setLeader(1)
  const before = numbersIn(cluster)
  const later = await engine.send('t', [record('80')]).result
  expect(later.position(0)).toBe(String(before.length))
  expect(numbersIn(cluster)).toEqual([...upTo(before.length), 80])
})
