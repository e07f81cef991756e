import {
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  ListStreamConsumersCommand,
  MergeShardsCommand,
  type SubscribeToShardEvent,
} from '@aws-sdk/client-kinesis'
import { describe, expect, test } from 'vitest'
import { eventually, within } from '../../../conformance/eventually.ts'
import { FakeStream, FIRST, NAME, texts } from './fake-stream.ts'

const SECOND = 'shardId-000000000001'

/** Reads to the end, or to the error. */
async function drain(events: AsyncIterator<SubscribeToShardEvent>): Promise<SubscribeToShardEvent[]> {
  const all: SubscribeToShardEvent[] = []
  for (let next = await events.next(); !next.done; next = await events.next()) all.push(next.value)
  return all
}

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('a subscription over %s', (handler) => {
  test('gives what was there and what comes, and can be resumed by its continuation', async () => {
    await using stream = await FakeStream.start({ handler, limits: { resubscribeMs: 0 }, idleEventMs: 40 })
    const arn = await stream.register()
    await stream.put(['a', 'b'])
    const events = await stream.subscribe(arn)
    const first = (await events.next()).value as SubscribeToShardEvent
    expect(texts(first)).toEqual(['a', 'b'])
    const idle = (await events.next()).value as SubscribeToShardEvent
    expect(texts(idle)).toEqual([])
    expect(idle.ContinuationSequenceNumber! > first.ContinuationSequenceNumber!).toBe(true)
    await stream.put(['c'])
    for (const Type of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const resumed = await stream.subscribe(arn, FIRST, {
        Type,
        SequenceNumber: idle.ContinuationSequenceNumber,
      })
      expect(texts((await resumed.next()).value)).toEqual(['c'])
    }
  })

  test('ends at the end of its shard with the children, and no continuation', async () => {
    await using stream = await FakeStream.start({ handler, shards: 2 })
    const arn = await stream.register()
    await stream.put(['a'])
    await stream.client.send(
      new MergeShardsCommand({ StreamName: NAME, ShardToMerge: FIRST, AdjacentShardToMerge: SECOND }),
    )
    const all = await drain(await stream.subscribe(arn))
    expect(all.flatMap(texts)).toEqual(['a'])
    const last = all.at(-1)!
    expect(last.ContinuationSequenceNumber ?? undefined).toBeUndefined()
    expect(last.ChildShards).toEqual([
      {
        ShardId: 'shardId-000000000002',
        ParentShards: [FIRST, SECOND],
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) },
      },
    ])
  })

  test('is refused within the five seconds and taken over after them', async () => {
    await using stream = await FakeStream.start({ handler })
    const arn = await stream.register()
    stream.fake.clock.hold()
    const old = await stream.subscribe(arn)
    const oldEnd = drain(old).catch((error) => error)
    await expect(stream.subscribe(arn)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    stream.fake.clock.pass(5_000)
    const next = await stream.subscribe(arn)
    expect(await oldEnd).toMatchObject({ name: 'ResourceInUseException' })
    await stream.put(['x'])
    expect(texts((await next.next()).value)).toEqual(['x'])
    expect(stream.fake.subscriptions(NAME, FIRST).length).toBe(1)
  })

  test('the five seconds hold though the subscription has ended', async () => {
    await using stream = await FakeStream.start({ handler, subscriptionLifeMs: 30 })
    const arn = await stream.register()
    stream.fake.clock.hold()
    await drain(await stream.subscribe(arn))
    await expect(stream.subscribe(arn)).rejects.toMatchObject({ name: 'ResourceInUseException' })
    // Another consumer's is not meant.
    await stream.subscribe(await stream.register('other'))
  })

  test.each([
    'ResourceNotFoundException',
    'ResourceInUseException',
    'KMSDisabledException',
    'KMSInvalidStateException',
    'KMSAccessDeniedException',
    'KMSNotFoundException',
    'KMSOptInRequired',
    'KMSThrottlingException',
    'InternalFailureException',
  ])('fails by %s in the stream', async (code) => {
    await using stream = await FakeStream.start({ handler })
    const arn = await stream.register()
    stream.fake.faults.add({ on: 'SubscribeToShard', effect: { kind: 'event-error', code, afterEvents: 1 } })
    await stream.put(['a'])
    const events = await stream.subscribe(arn)
    expect(texts((await events.next()).value)).toEqual(['a'])
    await expect(events.next()).rejects.toMatchObject({ name: code })
  })

  test('falls silent, and lives on', async () => {
    await using stream = await FakeStream.start({ handler, idleEventMs: 20 })
    const arn = await stream.register()
    const events = await stream.subscribe(arn)
    await events.next()
    const [subscription] = stream.fake.subscriptions(NAME)
    subscription!.interrupt({ kind: 'silence' })
    await stream.put(['lost in silence'])
    const next = drain(events)
    await expect(within(200, next, 'an event')).rejects.toThrow('not within')
    subscription!.interrupt({ kind: 'end-events' })
    expect((await next).flatMap(texts)).toEqual([])
  })

  test('breaks in the middle', async () => {
    await using stream = await FakeStream.start({ handler })
    const arn = await stream.register()
    const events = await stream.subscribe(arn)
    const end = drain(events)
    await eventually(() => stream.fake.subscriptions(NAME).length === 1)
    stream.fake.subscriptions(NAME)[0]!.interrupt({ kind: 'cut-events' })
    // The SDK's HTTP/2 handler ends the stream as if nothing were wrong: no error, and no children either.
    const seen = within(5_000, end, 'the end')
    if (handler === 'HTTP/2') expect(await seen).toEqual([])
    else await expect(seen).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('is gone from the fake when the client has gone', async () => {
    await using stream = await FakeStream.start({ handler })
    const arn = await stream.register()
    const abort = new AbortController()
    await stream.subscribe(arn, FIRST, { Type: 'LATEST' }, abort.signal)
    await eventually(() => stream.fake.subscriptions(NAME).length === 1)
    abort.abort()
    await eventually(() => stream.fake.subscriptions(NAME).length === 0)
  })

  test('brings a backlog in events of a MiB, at its rate', async () => {
    await using stream = await FakeStream.start({
      handler,
      limits: { shardWriteBytes: Number.POSITIVE_INFINITY },
    })
    const arn = await stream.register()
    const sent = 6
    for (let i = 0; i < sent; i++) await stream.put(['x'.repeat(1_000_000)])
    const from = performance.now()
    const events = await stream.subscribe(arn)
    let records = 0
    while (records < sent) {
      const event = (await events.next()).value as SubscribeToShardEvent
      expect(event.Records!.length).toBe(1)
      records += event.Records!.length
    }
    // 6 MB, of which the first 2 MiB and the last event are not waited for.
    expect(performance.now() - from).toBeGreaterThan(1_000)
  })
})

test('consumers settle, are listed, counted and deregistered, which ends their subscriptions', async () => {
  await using stream = await FakeStream.start({
    settleMs: Number.POSITIVE_INFINITY,
    limits: { consumersPerStream: 2 },
  })
  stream.fake.settle()
  const arn = await stream.register('a')
  await expect(stream.subscribe(arn)).rejects.toMatchObject({ name: 'ResourceInUseException' })
  await stream.register('b')
  await expect(stream.register('a')).rejects.toMatchObject({ name: 'ResourceInUseException' })
  await expect(stream.register('c')).rejects.toMatchObject({ name: 'LimitExceededException' })
  const status = async () => {
    const { ConsumerDescription } = await stream.client.send(
      new DescribeStreamConsumerCommand({ ConsumerARN: arn }),
    )
    return ConsumerDescription!.ConsumerStatus
  }
  expect(await status()).toBe('CREATING')
  stream.fake.settle()
  expect(await status()).toBe('ACTIVE')
  const StreamARN = stream.fake.stream(NAME).arn
  const page = await stream.client.send(new ListStreamConsumersCommand({ StreamARN, MaxResults: 1 }))
  expect(page.Consumers!.map(({ ConsumerName }) => ConsumerName)).toEqual(['a'])
  const rest = await stream.client.send(
    new ListStreamConsumersCommand({ StreamARN, NextToken: page.NextToken }),
  )
  expect(rest.Consumers!.map(({ ConsumerName }) => ConsumerName)).toEqual(['b'])
  const events = await stream.subscribe(arn)
  await stream.client.send(new DeregisterStreamConsumerCommand({ StreamARN, ConsumerName: 'a' }))
  expect(await status()).toBe('DELETING')
  stream.fake.settle()
  await expect(drain(events)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  await expect(status()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})
