import { describe, expect, test } from 'vitest'
import { md5Number } from '../../../../adapters/kinesis/records/index.ts'
import { type Acknowledgement, PartialFailureError, StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { openOnFake } from '../support/fake-backend.ts'
import { record } from '../support/record.ts'
import { writtenTo } from '../support/written.ts'

const THROTTLED = 'ProvisionedThroughputExceededException'
const HALF = 1n << 127n
/** Keys whose hash lies in the lower or the upper half. */
const keysOf = (upper: boolean, count: number): string[] =>
  Array.from({ length: 1_000 }, (_, i) => `key${i}`)
    .filter((key) => md5Number(Buffer.from(key)) >= HALF === upper)
    .slice(0, count)
const places = (ack: Acknowledgement): string[] =>
  Array.from({ length: ack.count }, (_, i) => `${ack.partition(i)} ${ack.position(i)}`)

describe('a producer', () => {
  test('writes plain records as anybody would, and others as aggregates of one', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    await producer.send('s', [record('plain', 'value'), record('timed', 'value', { timestamp: 5 })])
    const [plain, timed] = fake.stream('s').shards[0]!.records()
    expect(plain!.wire).toMatchObject({
      PartitionKey: 'plain',
      Data: Buffer.from('value').toString('base64'),
    })
    expect(Buffer.from(timed!.wire.Data, 'base64').subarray(0, 4).toString('hex')).toBe('f3899ac2')
  })

  test('has one record of a key on its way, and others beside it', async () => {
    await using connection = await openOnFake({ limits: 'off' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    fake.faults.add({ on: 'PutRecords', rate: 1, effect: { kind: 'shuffle' } })
    const records = Array.from({ length: 60 }, (_, i) => record(`k${i % 6}`, String(i)))
    await producer.send('s', records)
    expect(fake.calls.count('PutRecords')).toBe(10)
    for (const [, found] of Map.groupBy(writtenTo(fake, 's'), ({ key }) => key)) {
      expect(found.map(({ value }) => Number(value))).toEqual(
        found.map(({ value }) => Number(value)).sort((a, b) => a - b),
      )
    }
  })

  test('with order=relaxed sends them together', async () => {
    await using connection = await openOnFake({ limits: 'off' }, { order: 'relaxed' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    await producer.send(
      's',
      Array.from({ length: 60 }, (_, i) => record('k', String(i))),
    )
    expect(fake.calls.count('PutRecords')).toBe(1)
  })

  test('aggregates many of a key, and what is awaited goes when it is flushed', async () => {
    await using connection = await openOnFake({}, { aggregate: 'true', lingerMs: '60000' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    const sent = producer.send(
      's',
      Array.from({ length: 100 }, (_, i) => record('k', String(i))),
    )
    await producer.flush()
    const ack = await sent
    expect(fake.calls.count('PutRecords')).toBe(1)
    expect(writtenTo(fake, 's').map(({ value }) => Number(value))).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    )
    expect(places(ack)).toEqual(
      writtenTo(fake, 's').map(({ partition, position }) => `${partition} ${position}`),
    )
  })

  test('writes what came first in the first request, so that one call is not answered with the last of all', async () => {
    await using connection = await openOnFake({ limits: 'off' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's', partitions: 8 })
    const producer = await driver.openProducer({ clientId: 'test' })
    await producer.send('s', [record('before', 'before')])
    fake.faults.add({
      on: 'PutRecords',
      skip: 1,
      times: Infinity,
      effect: { kind: 'error', code: 'InternalFailure' },
    })
    const calls = ['a', 'b', 'c', 'd'].map((name) =>
      producer.send(
        's',
        Array.from({ length: 500 }, (_, i) => record(`${name}${i}`, name)),
      ),
    )
    const counts = (): number[] =>
      ['a', 'b', 'c', 'd'].map((name) => writtenTo(fake, 's').filter(({ value }) => value === name).length)
    await eventually(() => expect(Math.max(...counts())).toBeGreaterThan(0))
    // Shares of shards differ a little.
    expect(Math.max(...counts())).toBeGreaterThan(400)
    fake.faults.clear()
    await Promise.all(calls)
    expect(counts()).toEqual([500, 500, 500, 500])
  })

  test('gives no key all of an aggregate while others wait', async () => {
    await using connection = await openOnFake({ limits: 'off' }, { aggregate: 'true', lingerMs: '0' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    const value = 'x'.repeat(250)
    await producer.send(
      's',
      Array.from({ length: 4_000 }, (_, i) => record(`k${i % 20}`, value)),
    )
    const [first] = writtenTo(fake, 's')
    const keys = new Set(
      writtenTo(fake, 's')
        .slice(0, first!.together)
        .map(({ key }) => key),
    )
    expect(keys.size).toBeGreaterThanOrEqual(8)
  })

  test.each([{}, { aggregate: 'true', lingerMs: '0' }])(
    'honours a chosen partition, with %o',
    async (parameters) => {
      await using connection = await openOnFake({}, parameters)
      const { driver, fake } = connection
      await driver.admin.createTopic({ name: 's', partitions: 2 })
      const producer = await driver.openProducer({ clientId: 'test' })
      const [key] = keysOf(true, 1)
      const partition = 'shardId-000000000000'
      const ack = await producer.send('s', [record(key!, 'v', { partition })])
      expect(ack.partition(0)).toBe(partition)
      expect(writtenTo(fake, 's')).toMatchObject([{ partition, key, value: 'v' }])
      await driver.admin.splitPartition!('s', partition)
      await expect(producer.send('s', [record(key!, 'v', { partition })])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/children/),
      })
      const child = await producer.send('s', [record(key!, 'v', { partition: 'shardId-000000000002' })])
      expect(child.partition(0)).toBe('shardId-000000000002')
    },
  )

  test('slows down for a shard that throttles, and not for the others', async () => {
    await using connection = await openOnFake({
      limits: { shardWriteRecords: Infinity, shardWriteBytes: Infinity },
    })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's', partitions: 2 })
    const producer = await driver.openProducer({ clientId: 'test' })
    fake.faults.add({
      on: 'PutRecords',
      shard: 'shardId-000000000000',
      times: 3,
      effect: { kind: 'entries', code: THROTTLED, which: 'all' },
    })
    const slow = producer.send(
      's',
      keysOf(false, 300).map((key) => record(key, 'v')),
    )
    let done = false
    slow.then(() => (done = true))
    await producer.send(
      's',
      keysOf(true, 300).map((key) => record(key, 'v')),
    )
    expect(done).toBe(false)
    await slow
    expect(writtenTo(fake, 's')).toHaveLength(600)
  })

  test('keeps within what a shard grants once it knows', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    const from = performance.now()
    await producer.send(
      's',
      Array.from({ length: 4_000 }, (_, i) => record(`k${i}`, 'v')),
    )
    const seconds = (performance.now() - from) / 1_000
    expect(seconds).toBeGreaterThan(2)
    // A few tries to find out, not one for every few records.
    expect(fake.calls.count('PutRecords')).toBeLessThan(200)
  }, 30_000)

  test.each([{}, { aggregate: 'true', lingerMs: '0' }])(
    'finds the one record that the service refuses, and writes the others, with %o',
    async (parameters) => {
      await using connection = await openOnFake({ limits: 'off' }, parameters)
      const { driver, fake } = connection
      await driver.admin.createTopic({ name: 's', maxRecordBytes: 4 << 20 })
      const producer = await driver.openProducer({ clientId: 'test' })
      await producer.send('s', [record('k', 'v')])
      // The limit that the producer knows is not the stream's any more.
      fake.stream('s').maxRecordKiB = 1_024
      const large = Buffer.alloc(2 << 20, 'x')
      const records = Array.from({ length: 40 }, (_, i) =>
        record(`k${i}`, i === 4 ? large : Buffer.alloc(40_000, `${i};`)),
      )
      const error = await producer.send('s', records).then(
        () => undefined,
        (reason) => reason,
      )
      expect(error).toBeInstanceOf(PartialFailureError)
      const { outcomes } = error as PartialFailureError
      expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : 'written'))).toEqual(
        records.map((_, i) => (i === 4 ? 'INVALID_ARGUMENT' : 'written')),
      )
      const values = new Map(writtenTo(fake, 's').map(({ key, value }) => [key, value]))
      expect(values.size).toBe(40)
      expect(records.filter(({ value }, i) => i !== 4 && values.get(`k${i}`) !== String(value))).toEqual([])
    },
  )

  test('gives up what could not be written in time, and goes on with the next', async () => {
    await using connection = await openOnFake({}, { deliveryTimeoutMs: '700' })
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    await producer.send('s', [record('k', '0')])
    const down = fake.faults.add({
      on: 'PutRecords',
      rate: 1,
      effect: { kind: 'error', code: 'ServiceUnavailable' },
    })
    await expect(producer.send('s', [record('k', '1')])).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
    })
    down.remove()
    await producer.send('s', [record('k', '2')])
    expect(writtenTo(fake, 's').at(-1)?.value).toBe('2')
  })

  test('fails what waits for a stream that is gone, and writes to it when it is there again', async () => {
    await using connection = await openOnFake()
    const { driver } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    await producer.send('s', [record('k', '0')])
    await driver.admin.deleteTopic('s')
    const lost = producer.send(
      's',
      Array.from({ length: 50 }, (_, i) => record('k', String(i))),
    )
    await expect(lost).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await driver.admin.createTopic({ name: 's' })
    await producer.send('s', [record('k', '1')])
  })

  test('rejects at its deadline by name what it could not send, and takes nothing more', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'mine' })
    await producer.send('s', [record('k', '0')])
    fake.faults.add({ on: 'PutRecords', times: 100, effect: { kind: 'hang' } })
    const sent = producer.send('s', [record('k', '1')])
    sent.catch(() => {})
    await producer.close(100)
    await expect(sent).rejects.toMatchObject({ code: 'CLOSED', message: expect.stringMatching(/mine/) })
    await expect(producer.send('s', [record('k', '2')])).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('lets a caller give up waiting', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    fake.faults.add({ on: 'PutRecords', effect: { kind: 'delay', ms: 300, when: 'before' } })
    const abort = new AbortController()
    const sent = producer.send('s', [record('k', '1')], { signal: abort.signal })
    abort.abort(new StreamError('TIMEOUT', 'enough'))
    await expect(sent).rejects.toMatchObject({ message: 'enough' })
    await eventually(() => writtenTo(fake, 's').length === 1, { what: 'it was written all the same' })
  })

  test('does not take for written what the service leaves out of its answer', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 's' })
    const producer = await driver.openProducer({ clientId: 'test' })
    fake.faults.add({ on: 'PutRecords', effect: { kind: 'cut', when: 'within' } })
    const ack = await producer.send('s', [record('k', 'v')])
    const written = writtenTo(fake, 's')
    expect(written.map(({ position }) => position)).toContain(ack.position(0))
    // The answer was lost, so nobody knows that it was there already.
    expect(written).toHaveLength(2)
  })
})
