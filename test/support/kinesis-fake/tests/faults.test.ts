import { CreateStreamCommand, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { describe, expect, test } from 'vitest'
import type { KinesisEffect } from '../kinesis-effect.ts'
import { clientOf } from './clients.ts'
import { FakeStream, FIRST, NAME, texts } from './fake-stream.ts'

const written = (stream: FakeStream): string[] =>
  stream.fake
    .stream(NAME)
    .shards.flatMap((shard) => shard.records())
    .map(({ wire }) => Buffer.from(wire.Data, 'base64').toString())

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('over %s', (handler) => {
  test.each<[string, KinesisEffect, object, number]>([
    [
      'an error before the write',
      { kind: 'error', code: 'InternalFailure' },
      { name: 'InternalFailure', $fault: 'server' },
      0,
    ],
    [
      'an error after the write',
      { kind: 'error', code: 'InternalFailure', when: 'after' },
      { $metadata: { httpStatusCode: 500 } },
      1,
    ],
    [
      'a throttle',
      { kind: 'error', code: 'ProvisionedThroughputExceededException' },
      { name: 'ProvisionedThroughputExceededException', $metadata: { httpStatusCode: 400 } },
      0,
    ],
    [
      'expired credentials',
      { kind: 'error', code: 'ExpiredTokenException' },
      { name: 'ExpiredTokenException' },
      0,
    ],
    ['a cut before the write', { kind: 'cut', when: 'before' }, {}, 0],
    ['a cut after the write', { kind: 'cut', when: 'after' }, {}, 1],
    ['a cut within the answer', { kind: 'cut', when: 'within' }, {}, 1],
  ])('%s', async (_, effect, error, count) => {
    await using stream = await FakeStream.start({ handler })
    const fault = stream.fake.faults.add({ on: 'PutRecords', effect })
    await expect(stream.put(['x'])).rejects.toMatchObject(error)
    expect(written(stream).length).toBe(count)
    expect(fault.hits).toBe(1)
    expect((await stream.put(['y'])).FailedRecordCount).toBe(0)
  })

  test('a slow answer comes late, and its write has happened', async () => {
    await using stream = await FakeStream.start({ handler })
    stream.fake.faults.add({ on: 'PutRecords', effect: { kind: 'delay', ms: 150 } })
    const from = performance.now()
    const put = stream.put(['x'])
    await put
    expect(performance.now() - from).toBeGreaterThanOrEqual(145)
  })

  test('a call that hangs ends by the client, and leaves the others alone', async () => {
    await using stream = await FakeStream.start({ handler })
    stream.fake.faults.add({ on: 'ListStreams', effect: { kind: 'hang' } })
    const abort = new AbortController()
    const hanging = stream.client.send(new ListStreamsCommand({}), { abortSignal: abort.signal })
    expect((await stream.put(['x'])).FailedRecordCount).toBe(0)
    abort.abort()
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' })
  })
})

test('chosen entries fail, the others are written', async () => {
  await using stream = await FakeStream.start()
  stream.fake.faults.add({
    on: 'PutRecords',
    effect: { kind: 'entries', code: 'InternalFailure', which: [0, 2] },
  })
  const { FailedRecordCount, Records } = await stream.put(['a', 'b', 'c', 'd'])
  expect(FailedRecordCount).toBe(2)
  expect(Records!.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'InternalFailure',
    undefined,
    'InternalFailure',
    undefined,
  ])
  expect(written(stream)).toEqual(['b', 'd'])
})

test('a share of entries fails, of one shard alone, the same for the same seed', async () => {
  const outcome = async (seed: number) => {
    await using stream = await FakeStream.start({ shards: 2, seed })
    stream.fake.faults.add({
      shard: FIRST,
      times: 2,
      effect: { kind: 'entries', code: 'ProvisionedThroughputExceededException', which: { share: 0.5 } },
    })
    const { Records } = await stream.put(Array(100).fill('x'))
    const elsewhere = await stream.put(Array(100).fill('x'), String(2n ** 127n))
    expect(elsewhere.FailedRecordCount).toBe(0)
    return Records!.map(({ ErrorCode }) => ErrorCode)
  }
  const first = await outcome(7)
  const failed = first.filter((code) => code !== undefined).length
  expect(failed).toBeGreaterThan(25)
  expect(failed).toBeLessThan(75)
  expect(await outcome(7)).toEqual(first)
  expect(await outcome(8)).not.toEqual(first)
})

test('entries may be written in another order', async () => {
  await using stream = await FakeStream.start()
  stream.fake.faults.add({ on: 'PutRecords', effect: { kind: 'shuffle' } })
  const values = Array.from({ length: 50 }, (_, i) => String(i).padStart(2, '0'))
  const { Records } = await stream.put(values)
  expect(written(stream)).not.toEqual(values)
  expect(written(stream).toSorted()).toEqual(values)
  // Each answer still belongs to its own entry.
  const byNumber = Records!.map(({ SequenceNumber }, i) => [SequenceNumber!, values[i]!] as const).sort()
  expect(byNumber.map(([, value]) => value)).toEqual(written(stream))
})

test('faults meet what they name: operation, stream, shard, after some, as often as told, by rate', async () => {
  await using stream = await FakeStream.start({ shards: 2, limits: 'off', seed: 3 })
  const { faults } = stream.fake
  await stream.client.send(new CreateStreamCommand({ StreamName: 'other', ShardCount: 1 }))
  const error: KinesisEffect = { kind: 'error', code: 'InternalFailure' }
  const fails = (call: Promise<unknown>) =>
    call.then(
      () => false,
      () => true,
    )

  faults.add({ on: ['GetRecords', 'PutRecord'], stream: NAME, skip: 1, times: 2, effect: error })
  const iterator = await stream.iterator()
  const outcomes: boolean[] = []
  for (let i = 0; i < 4; i++) outcomes.push(await fails(stream.get(iterator)))
  expect(outcomes).toEqual([false, true, true, false])

  const elsewhere = faults.add({ stream: 'other', effect: error })
  const onSecond = faults.add({ on: 'PutRecords', shard: 'shardId-000000000001', effect: error })
  expect(await fails(stream.put(['x']))).toBe(false)
  expect(await fails(stream.put(['x'], String(2n ** 127n)))).toBe(true)
  expect([elsewhere.hits, onSecond.hits]).toEqual([0, 1])
  elsewhere.remove()

  const often = faults.add({ on: 'GetRecords', rate: 0.3, effect: error })
  for (let i = 0; i < 100; i++) await fails(stream.get(iterator))
  expect(often.hits).toBeGreaterThan(15)
  expect(often.hits).toBeLessThan(45)
  faults.clear()
  expect(texts(await stream.get(iterator))).toEqual(['x'])
})

test('a read may find nothing where there is something', async () => {
  await using stream = await FakeStream.start()
  await stream.put(['a'])
  stream.fake.clock.offsetMs = 10_000
  stream.fake.faults.add({ on: 'GetRecords', effect: { kind: 'empty' } })
  const nothing = await stream.get(await stream.iterator())
  expect(texts(nothing)).toEqual([])
  expect(nothing.MillisBehindLatest).toBeGreaterThanOrEqual(10_000)
  expect(texts(await stream.get(nothing.NextShardIterator!))).toEqual(['a'])
})

test('calls are counted by operation, stream and shard, refused ones too', async () => {
  await using stream = await FakeStream.start({ shards: 2 })
  const { calls, faults } = stream.fake
  calls.reset()
  await stream.put(['a', 'b'])
  faults.add({ on: 'GetRecords', effect: { kind: 'error', code: 'InternalFailure' } })
  const iterator = await stream.iterator()
  await expect(stream.get(iterator)).rejects.toThrow()
  await stream.get(iterator)
  expect(calls.snapshot()).toEqual({
    PutRecords: { '': 1, [NAME]: 1, [`${NAME}/${FIRST}`]: 1 },
    GetShardIterator: { '': 1, [NAME]: 1, [`${NAME}/${FIRST}`]: 1 },
    GetRecords: { '': 2, [NAME]: 2, [`${NAME}/${FIRST}`]: 2 },
  })
  expect(calls.count('GetRecords', { stream: NAME, shard: FIRST })).toBe(2)
})

test('unknown keys are refused, and so are dates too far from the clock, which the Date header shows', async () => {
  await using stream = await FakeStream.start({ accessKeyIds: ['test'] })
  const stranger = clientOf(stream.fake.endpoint, 'HTTP/1.1', 'stranger')
  await expect(stranger.send(new ListStreamsCommand({}))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  })
  stranger.destroy()
  stream.fake.clock.offsetMs = 3_600_000
  const late = await stream.client.send(new ListStreamsCommand({})).catch((error) => error)
  expect(late).toMatchObject({ name: 'InvalidSignatureException' })
  expect(late.message).toMatch(/^Signature expired: \d{8}T\d{6}Z is now earlier than /)
  // The SDK has learned the offset from the Date header.
  await stream.client.send(new ListStreamsCommand({}))
  await stream.put(['x'])
  const [record] = stream.fake.stream(NAME).shards[0]!.records()
  expect(record!.arrivalMs - Date.now()).toBeGreaterThan(3_500_000)
})
