import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { openReader } from '../../../../adapters/kafka/reading/kafka-reader.ts'
import type { DriverReaderOptions, FetchedBatch, PartitionReader } from '../../../../src/driver.ts'
import { StreamError } from '../../../../src/driver.ts'
import { TestCluster } from '../support/test-cluster.ts'

let cluster: TestCluster
const never = new AbortController().signal
/** The rest of this turn of the event loop, and what follows from it, is over. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe.skipIf(!inject('docker'))('reading a partition of a real broker', () => {
  beforeAll(async () => {
    cluster = await TestCluster.open()
  }, 120_000)
  afterAll(() => cluster?.close())

  test('begins at every kind of place', async () => {
    const topic = await cluster.topic(1, { 'retention.ms': '-1' })
    await cluster.write(topic, 0, [entry('a', 1_000), entry('b', 2_000)])
    await cluster.write(topic, 0, [entry('c', 3_000), entry('d', 4_000)])
    assert.deepEqual(await all(topic, 'earliest'), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await all(topic, 'latest'), [])
    assert.deepEqual(await all(topic, { at: '1' }), ['b', 'c', 'd'])
    assert.deepEqual(await all(topic, { after: '1' }), ['c', 'd'])
    assert.deepEqual(await all(topic, { timestamp: 2_500 }), ['c', 'd'])
    assert.deepEqual(await all(topic, { timestamp: new Date(2_000) }), ['b', 'c', 'd'])
    assert.deepEqual(await all(topic, { timestamp: 9_000 }), [])
    assert.deepEqual(await all(topic, { at: '4' }), [])
  })

  test('ends at every kind of place', async () => {
    const topic = await cluster.topic(1, { 'retention.ms': '-1' })
    await cluster.write(topic, 0, [entry('a', 1_000), entry('b', 2_000), entry('c', 3_000)])
    assert.deepEqual(await all(topic, 'earliest', { at: '1' }), ['a'])
    assert.deepEqual(await all(topic, 'earliest', { after: '1' }), ['a', 'b'])
    assert.deepEqual(await all(topic, 'earliest', { timestamp: 2_000 }), ['a'])
    assert.deepEqual(await all(topic, 'earliest', { timestamp: 2_001 }), ['a', 'b'])
  })

  test("'now' is the moment of opening", async () => {
    const topic = await cluster.topic()
    await cluster.write(topic, 0, ['a'])
    const reader = await open({ topic, until: 'now' })
    await cluster.write(topic, 0, ['b'])
    assert.deepEqual(await rest(reader), ['a'])
  })

  test('a place beyond the end is an argument, one before the start has expired, also in the middle of reading', async () => {
    const topic = await cluster.topic()
    for (const value of ['a', 'b', 'c']) await cluster.write(topic, 0, [value])
    await rejects('INVALID_ARGUMENT', open({ topic, start: { from: { at: '4' } } }))
    await rejects('INVALID_ARGUMENT', open({ topic, start: { from: { after: '3' } } }))
    await rejects('INVALID_ARGUMENT', open({ topic, start: { checkpoint: 'x' } }))
    const reader = await open({ topic })
    const first = await reader.next({ maxBytes: 1, signal: never })
    assert.equal(first!.end, '1:0')
    await cluster.dropBefore(topic, 0, 2)
    await rejects('POSITION_EXPIRED', reader.next({ maxBytes: 1, signal: never }))
    await reader.close()
    await rejects('POSITION_EXPIRED', open({ topic, start: { from: { at: '1' } } }))
    await rejects('POSITION_EXPIRED', open({ topic, start: { checkpoint: '1:0' } }))
    assert.deepEqual(await all(topic, 'earliest'), ['c'])
  })

  test('hides records of open and of overlapping aborted transactions, and those alone', async () => {
    const topic = await cluster.topic()
    const [a, b, c] = await Promise.all([
      cluster.transactions(),
      cluster.transactions(),
      cluster.transactions(),
    ])
    await a!.write(topic, 0, ['a1'])
    await b!.write(topic, 0, ['b1'])
    await cluster.write(topic, 0, ['plain1'])
    await a!.abort()
    await c!.write(topic, 0, ['c1'])
    await b!.write(topic, 0, ['b2'])
    await b!.commit()
    await a!.write(topic, 0, ['a2'])
    await c!.abort()
    await a!.commit()
    // The bytes of an abort marker, as data.
    await cluster.write(topic, 0, [{ key: '\0\0\0\0', value: 'plain2' }])
    const open_ = await cluster.transactions()
    await open_.write(topic, 0, ['o1'])
    await cluster.write(topic, 0, ['behind'])
    assert.deepEqual(await all(topic, 'earliest'), ['b1', 'plain1', 'b2', 'a2', 'plain2'])
    // From each place in the middle the same.
    for (let at = 0; at < 12; at++) {
      const values = await all(topic, { at: String(at) })
      assert.ok(!values.some((value) => ['a1', 'c1', 'o1', 'behind'].includes(value)), `${at}: ${values}`)
    }
    const uncommitted = await all(topic, 'earliest', 'now', { isolation: 'uncommitted' })
    assert.deepEqual(uncommitted, ['a1', 'b1', 'plain1', 'c1', 'b2', 'a2', 'plain2', 'o1', 'behind'])
    await open_.abort()
  })

  test('control records move the checkpoint: lag reaches 0', async () => {
    const topic = await cluster.topic()
    const tx = await cluster.transactions()
    await tx.write(topic, 0, ['x'])
    await tx.abort()
    const reader = await open({ topic })
    const batch = await reader.next({ maxBytes: 1 << 20, signal: never })
    assert.equal(batch!.count, 0)
    assert.equal(batch!.end, '2:0')
    assert.deepEqual(batch!.lag, { records: 0 })
    await reader.close()
  })

  test('a record that is larger than maxBytes comes, and what comes is cut at batches', async () => {
    const topic = await cluster.topic()
    const large = 'x'.repeat(100_000)
    await cluster.write(topic, 0, [large])
    await cluster.write(topic, 0, ['a', 'b'])
    const reader = await open({ topic })
    const first = await reader.next({ maxBytes: 100, signal: never })
    assert.equal(first!.count, 1)
    assert.equal(first!.value(0)!.length, 100_000)
    const second = await reader.next({ maxBytes: 100, signal: never })
    assert.equal(second!.count, 2)
    assert.equal(second!.checkpointAfter(0), '2:0')
    await reader.close()
  })

  test('many partitions share few requests, large batches among them, and none starves', async () => {
    const topic = await cluster.topic(12)
    for (let partition = 0; partition < 12; partition++) {
      for (let i = 0; i < 5; i++) await cluster.write(topic, partition, [String(i).repeat(5_000)])
    }
    const readers = await Promise.all(
      Array.from({ length: 12 }, (_, partition) =>
        open({ topic, partition: String(partition), until: 'now' }),
      ),
    )
    const counts = await Promise.all(readers.map(async (reader) => (await rest(reader, 100)).length))
    assert.deepEqual(counts, new Array(12).fill(5))
  })

  test('a wait is aborted at once, and goes on where it was; close ends it', async () => {
    const topic = await cluster.topic()
    const reader = await open({ topic })
    const aborter = new AbortController()
    const waiting = reader.next({ maxBytes: 1_000, signal: aborter.signal })
    const reason = new Error('enough')
    await turn()
    aborter.abort(reason)
    // Before anything else happens, the broker's answer included.
    assert.equal(await Promise.race([waiting.catch((error) => error), turn()]), reason)
    await cluster.write(topic, 0, ['a'])
    const batch = await reader.next({ maxBytes: 1_000, signal: never })
    assert.deepEqual(values(batch!), ['a'])
    const last = reader.next({ maxBytes: 1_000, signal: never })
    setImmediate(() => void reader.close())
    await rejects('CLOSED', last)
    await rejects('CLOSED', reader.next({ maxBytes: 1_000, signal: never }))
  })

  test('a partition whose reader comes back is not held up by others that wait', async () => {
    const topic = await cluster.topic(4)
    const idle = await Promise.all(['1', '2', '3'].map((partition) => open({ topic, partition })))
    const aborter = new AbortController()
    const waits = idle.map((reader) =>
      reader.next({ maxBytes: 1_000, signal: aborter.signal }).catch(() => {}),
    )
    const busy = await open({ topic })
    const took: number[] = []
    for (let i = 0; i < 20; i++) {
      await cluster.write(topic, 0, [String(i)])
      const began = performance.now()
      const batch = await busy.next({ maxBytes: 1_000, signal: never })
      took.push(performance.now() - began)
      assert.deepEqual(values(batch!), [String(i)])
    }
    // Behind requests that wait 500 ms for records most would take some hundred; a busy machine does not make all of them slow.
    const [quick] = took.toSorted((a, b) => a - b).slice(5)
    assert.ok(quick! < 100, `they took ${took.map(Math.round)} ms`)
    aborter.abort()
    await Promise.all(waits)
    await Promise.all([busy, ...idle].map((reader) => reader.close()))
  })

  test('what is missing is NOT_FOUND', async () => {
    const topic = await cluster.topic()
    await rejects('NOT_FOUND', open({ topic: `${topic}-not` }))
    await rejects('NOT_FOUND', open({ topic, partition: '7' }))
    await rejects('NOT_FOUND', open({ topic, partition: 'x' }))
  })
})

const entry = (value: string, timestamp: number) => ({ value, timestamp })

function open(options: Partial<DriverReaderOptions> & { topic: string }): Promise<PartitionReader> {
  return openReader(cluster, { partition: '0', start: { from: 'earliest' }, ...options }, () => {})
}

async function all(
  topic: string,
  from: 'earliest' | 'latest' | { at: string } | { after: string } | { timestamp: number | Date },
  until: DriverReaderOptions['until'] = 'now',
  more: Partial<DriverReaderOptions> = {},
): Promise<string[]> {
  return rest(await open({ topic, start: { from }, ...(until === undefined ? {} : { until }), ...more }))
}

async function rest(reader: PartitionReader, maxBytes = 1 << 20): Promise<string[]> {
  const seen: string[] = []
  for (;;) {
    const batch = await reader.next({ maxBytes, signal: never })
    if (batch === null) break
    assert.equal(reader.checkpoint, batch.end)
    seen.push(...values(batch))
  }
  await reader.close()
  return seen
}

function values(batch: FetchedBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) => String(batch.value(i)))
}

async function rejects(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof StreamError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  })
}
