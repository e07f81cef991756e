import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { DeregisterStreamConsumerCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { FAN_OUT_TIMES } from '../../../../adapters/kinesis/reading/fan-out-source.ts'
import type { SourceTimes } from '../../../../adapters/kinesis/reading/open-source.ts'
import { eventually, within } from '../../../conformance/eventually.ts'
import { rejectsWith } from '../../../conformance/rejects-with.ts'
import { FakeShard, FIRST, filled, MiB, NAME, never, rest, UNPACED, valuesOf } from './fake-shard.ts'

const PARAMETERS = 'fanout=app'

/** The service's rules, a hundred times as fast. */
const QUICK: SourceTimes = {
  ...UNPACED,
  fanOut: { renewAfterMs: 2_700, betweenMs: 50, silenceMs: 600, jitterMs: 9 },
  handOverMs: 100,
}
const quickFake = {
  limits: { shardReadCalls: Infinity, shardIteratorCalls: Infinity, resubscribeMs: 50, calls: {} },
  subscriptionLifeMs: 3_000,
  idleEventMs: 50,
  parameters: PARAMETERS,
  times: QUICK,
} as const

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

describe('a shard read by fan-out', () => {
  test('registers its consumer, waits for it, and reads what was there and what comes', async () => {
    await using shard = await FakeShard.start({ ...quickFake, settleMs: 100 })
    await eventually(() => shard.fake.stream(NAME).status === 'ACTIVE')
    await shard.plain(['a', 'b'])
    const reader = await shard.open()
    assert.deepEqual(valuesOf(await filled(reader)), ['a', 'b'])
    await shard.plain(['c'])
    assert.deepEqual(valuesOf(await filled(reader)), ['c'])
    assert.equal(shard.fake.calls.count('GetRecords'), 0)
    assert.equal(shard.fake.calls.count('RegisterStreamConsumer'), 1)
    // Whoever comes later uses it.
    await reader.close()
    const again = await shard.open({ start: { from: 'earliest' } }, { kinesis: shard.other(PARAMETERS) })
    assert.deepEqual(valuesOf(await filled(again)), ['a', 'b', 'c'])
    assert.equal(shard.fake.calls.count('RegisterStreamConsumer'), 1)
  })

  test('begins and ends at all the places that polling knows', async () => {
    await using shard = await FakeShard.start(quickFake)
    const [a, b] = await shard.plain(['a', 'b'])
    const sequence = await shard.aggregate([
      { value: 'c', timestamp: 5_000 },
      { value: 'd', timestamp: 6_000 },
    ])
    assert.deepEqual(await shard.all(), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await shard.all({ start: { from: { at: `${sequence}/1` } } }), ['d'])
    assert.deepEqual(await shard.all({ start: { from: { after: a! } } }), ['b', 'c', 'd'])
    assert.deepEqual(await shard.all({ start: { from: { timestamp: Date.now() - 60_000 } } }), [
      'a',
      'b',
      'c',
      'd',
    ])
    assert.deepEqual(await shard.all({ start: { from: 'latest' } }), [])
    assert.deepEqual(await shard.all({ until: { at: b! } }), ['a'])
    assert.deepEqual(await shard.all({ until: { after: b! } }), ['a', 'b'])
    const latest = await shard.open({ start: { from: 'latest' } })
    await shard.plain(['e'])
    assert.deepEqual(valuesOf(await filled(latest)), ['e'])
    await latest.close()
    await rejectsWith('INVALID_ARGUMENT', () =>
      shard.open({ start: { from: { at: String(BigInt(a!) + 1n) } } }),
    )
    shard.fake.trim(NAME, { shard: FIRST, toNumber: b! })
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { from: { at: a! } } }))
  })

  test('idle it says that nothing is left, and its lag is 0', async () => {
    await using shard = await FakeShard.start(quickFake)
    const reader = await shard.open()
    const batch = await reader.next({ maxBytes: 1, signal: never })
    assert.deepEqual([batch!.count, batch!.lag], [0, { millis: 0 }])
  })

  test("until 'now' ends without the service's next event where nothing is left to come", async () => {
    await using shard = await FakeShard.start({ ...quickFake, idleEventMs: 600_000, times: UNPACED })
    const all = (options: Parameters<FakeShard['all']>[0] = {}) =>
      within(20_000, shard.all(options), 'it ends before an event comes')
    assert.deepEqual(await all(), [])
    assert.equal(shard.fake.calls.count('SubscribeToShard'), 0)
    await shard.plain(['a', 'b'])
    // Longer ago than the search for the last record goes back.
    shard.fake.clock.offsetMs += 60_000
    assert.deepEqual(await all(), ['a', 'b'])
    assert.deepEqual(await all({ start: { from: { timestamp: Date.now() + 40_000 } } }), [])
  })

  test('is renewed before the service ends it, and nothing is missed or doubled', async () => {
    await using shard = await FakeShard.start({ ...quickFake, subscriptionLifeMs: 600 })
    const times = { ...QUICK, fanOut: { ...QUICK.fanOut!, renewAfterMs: 150 } }
    const reader = await shard.open({}, { times })
    const seen: string[] = []
    let written = 0
    while (shard.fake.calls.count('SubscribeToShard') < 6) {
      await shard.plain(numbers(written, written + 3))
      written += 3
      seen.push(...valuesOf(await filled(reader)))
    }
    while (seen.length < written) seen.push(...valuesOf(await filled(reader)))
    assert.deepEqual(seen, numbers(0, written))
    assert.equal(shard.fake.subscriptions(NAME).length, 1)
  })

  test.each([
    { kind: 'end-events' },
    { kind: 'cut-events' },
    { kind: 'silence' },
    { kind: 'event-error', code: 'InternalFailureException' },
    { kind: 'event-error', code: 'KMSThrottlingException' },
    { kind: 'event-error', code: 'ResourceInUseException' },
    { kind: 'event-error', code: 'ResourceNotFoundException' },
  ] as const)('goes on after $kind $code in the middle', async (effect) => {
    await using shard = await FakeShard.start(quickFake)
    shard.fake.faults.add({ on: 'SubscribeToShard', times: 2, effect: { ...effect, afterEvents: 2 } })
    const reader = await shard.open()
    const seen: string[] = []
    for (let i = 0; i < 8; i++) {
      await shard.plain([String(i)])
      seen.push(...valuesOf(await filled(reader)))
    }
    assert.deepEqual(seen, numbers(0, 8))
    assert.ok(shard.fake.calls.count('SubscribeToShard') >= 3)
  })

  test.each(['KMSAccessDeniedException', 'KMSDisabledException', 'KMSNotFoundException'])(
    '%s in the middle does not pass by itself',
    async (code) => {
      await using shard = await FakeShard.start(quickFake)
      shard.fake.faults.add({ on: 'SubscribeToShard', effect: { kind: 'event-error', code, afterEvents: 1 } })
      await shard.plain(['a'])
      const reader = await shard.open()
      await filled(reader)
      await rejectsWith('PERMISSION_DENIED', () => filled(reader))
    },
  )

  test('keeps five seconds between subscriptions: the service never has to refuse one', async () => {
    await using shard = await FakeShard.start({ ...quickFake, limits: 'service' })
    const fanOut = { ...FAN_OUT_TIMES, silenceMs: 500 }
    await shard.plain(['a'])
    const reader = await shard.open({}, { times: { ...QUICK, fanOut } })
    await filled(reader)
    const [subscription] = shard.fake.subscriptions(NAME)
    subscription!.interrupt({ kind: 'end-events' })
    const began = performance.now()
    await shard.plain(['b'])
    assert.deepEqual(valuesOf(await filled(reader)), ['b'])
    const waited = performance.now() - began
    assert.ok(waited > 4_000 && waited < 7_000, `${waited}`)
    assert.equal(shard.fake.calls.count('SubscribeToShard'), 2)
  })

  test('a process that takes the subscription over ends nothing: both get on', async () => {
    await using shard = await FakeShard.start(quickFake)
    const reader = await shard.open()
    const arn = [...shard.fake.stream(NAME).consumers.values()][0]!.arn
    const stranger = shard.other()
    for (let round = 0; round < 3; round++) {
      await shard.plain([String(round)])
      assert.deepEqual(valuesOf(await filled(reader)), [String(round)])
      await eventually(
        async () => {
          const position = { Type: 'TRIM_HORIZON' } as const
          const input = { ConsumerARN: arn, ShardId: FIRST, StartingPosition: position }
          await stranger.service.subscribe(input, never)
          return true
        },
        { what: 'the stranger subscribes' },
      )
    }
    assert.deepEqual(shard.warnings, [])
  })

  test('the end of the shard is null behind its last records, and its children are known', async () => {
    await using shard = await FakeShard.start(quickFake)
    await shard.plain(['a'])
    const reader = await shard.open()
    await filled(reader)
    await shard.plain(['b'])
    await shard.split()
    assert.deepEqual(await rest(reader), ['b'])
    assert.equal(reader.checkpoint, 'SHARD_END')
    assert.equal((await shard.kinesis.streams.shards(NAME)).shards.length, 3)
    assert.deepEqual(await rest(await shard.open({ start: { checkpoint: 'TRIM_HORIZON' } })), ['a', 'b'])
  })

  test('events are taken only when they are asked for', async () => {
    await using shard = await FakeShard.start({ ...quickFake, limits: 'off' })
    const reader = await shard.open()
    await reader.next({ maxBytes: 1, signal: never })
    const value = 'x'.repeat(100_000)
    for (let i = 0; i < 24; i++) await shard.plain(Array(10).fill(value))
    await filled(reader)
    const [subscription] = shard.fake.subscriptions(NAME)
    const given = subscription!.events
    assert.ok(given < 16, `${given} of 24 megabytes were sent to somebody who took one`)
    let count = 10
    while (count < 240) count += (await filled(reader)).count
    assert.equal(count, 240)
  })

  test('a consumer that somebody deregisters is registered again', async () => {
    await using shard = await FakeShard.start(quickFake)
    const reader = await shard.open()
    await shard.plain(['a'])
    await filled(reader)
    const { arn } = [...shard.fake.stream(NAME).consumers.values()][0]!
    await shard.kinesis.service.call(new DeregisterStreamConsumerCommand({ ConsumerARN: arn }))
    await shard.plain(['b'])
    assert.deepEqual(valuesOf(await filled(reader)), ['b'])
    assert.equal(shard.fake.calls.count('RegisterStreamConsumer'), 2)
  })

  test('close ends a waiting next and the subscription', async () => {
    await using shard = await FakeShard.start(quickFake)
    const reader = await shard.open()
    await reader.next({ maxBytes: 1, signal: never })
    const next = reader.next({ maxBytes: 1, signal: never })
    await eventually(() => shard.fake.subscriptions(NAME).length === 1)
    await reader.close()
    await rejectsWith('CLOSED', () => next)
    await eventually(() => shard.fake.subscriptions(NAME).length === 0, { what: 'the subscription ends' })
  })
})

describe('one consumer, one subscription a shard', () => {
  test('a second reader of the process is refused with what to do', async () => {
    await using shard = await FakeShard.start(quickFake)
    const first = await shard.open()
    const error = await rejectsWith('UNSUPPORTED', () => shard.open(), /fanout=NAME|fallback=polling/)
    assert.equal(error.partition, FIRST)
    await first.close()
    await shard.open()
  })

  test('or waits for one that is on its way out', async () => {
    await using shard = await FakeShard.start(quickFake)
    await shard.plain(['a'])
    const first = await shard.open()
    const second = shard.open({}, { times: { ...QUICK, handOverMs: 5_000 } })
    await first.close()
    assert.deepEqual(valuesOf(await filled(await second)), ['a'])
  })

  test('or polls where that is allowed', async () => {
    await using shard = await FakeShard.start({ ...quickFake, parameters: `${PARAMETERS}&fallback=polling` })
    await shard.plain(['a'])
    const first = await shard.open()
    const second = await shard.open()
    assert.deepEqual([valuesOf(await filled(first)), valuesOf(await filled(second))], [['a'], ['a']])
    assert.equal(shard.warnings.length, 1)
    assert.ok(shard.fake.calls.count('GetRecords') > 0)
  })
})

describe('where fan-out cannot be had', () => {
  test('it rejects, and polls only where that is allowed: registering', async () => {
    for (const code of ['LimitExceededException', 'AccessDeniedException']) {
      await using shard = await FakeShard.start(quickFake)
      const refuse = (): void => {
        shard.fake.faults.add({ on: 'RegisterStreamConsumer', effect: { kind: 'error', code } })
      }
      await shard.plain(['a'])
      refuse()
      await rejectsWith(['THROTTLED', 'PERMISSION_DENIED'], () => shard.open())
      refuse()
      const kinesis = shard.other(`${PARAMETERS}&fallback=polling`)
      const reader = await shard.open({}, { kinesis })
      assert.deepEqual(valuesOf(await filled(reader)), ['a'])
      assert.equal(shard.fake.calls.count('SubscribeToShard'), 0)
    }
  })

  test('it rejects, and polls only where that is allowed: in the middle, from the same place', async () => {
    await using shard = await FakeShard.start(quickFake)
    const denied = { kind: 'event-error', code: 'KMSAccessDeniedException', afterEvents: 1 } as const
    await shard.plain(['a'])
    shard.fake.faults.add({ on: 'SubscribeToShard', effect: denied })
    const kinesis = shard.other(`${PARAMETERS}&fallback=polling`)
    const reader = await shard.open({}, { kinesis })
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
    await shard.plain(['b'])
    assert.deepEqual(valuesOf(await reader.next({ maxBytes: MiB, signal: never })), ['b'])
    assert.ok(shard.fake.calls.count('GetRecords') > 0)
    assert.equal(shard.warnings.length, 1)
  })
})

describe('over HTTP/2, as the service speaks it', () => {
  const trusted = tls.getCACertificates('default')
  const certificate = (name: string): string =>
    readFileSync(path.join(import.meta.dirname, '../../../support/kafka/certificates', name), 'utf8')
  beforeAll(() => tls.setDefaultCACertificates([...trusted, certificate('authority.pem')]))
  afterAll(() => tls.setDefaultCACertificates(trusted))

  test('records come, the subscription is renewed, the end is heard, and close ends it', async () => {
    await using shard = await FakeShard.start({
      ...quickFake,
      tls: { key: certificate('broker.key'), cert: certificate('broker.pem') },
    })
    assert.match(shard.fake.endpoint, /^https:/)
    const times = { ...QUICK, fanOut: { ...QUICK.fanOut!, renewAfterMs: 150 } }
    const reader = await shard.open({}, { times })
    const seen: string[] = []
    for (let i = 0; shard.fake.calls.count('SubscribeToShard') < 4; i++) {
      await shard.plain([String(i)])
      seen.push(...valuesOf(await filled(reader)))
    }
    assert.deepEqual(seen, numbers(0, seen.length))
    await shard.split()
    assert.deepEqual(await rest(reader), [])
    const child = await shard.open({ partition: 'shardId-000000000001' }, { times })
    const next = child
      .next({ maxBytes: 1, signal: never })
      .then(() => child.next({ maxBytes: 1, signal: never }))
    await eventually(() => shard.fake.subscriptions(NAME).length === 1)
    await child.close()
    await rejectsWith('CLOSED', () => next)
    await eventually(() => shard.fake.subscriptions(NAME).length === 0, { what: 'the subscription ends' })
  })
})
