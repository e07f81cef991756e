import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, test } from 'vitest'
import { SERVICE_LIMITS } from '../../../../adapters/kinesis/reading/reading-limits.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { rejectsWith } from '../../../conformance/rejects-with.ts'
import { WireEncoder } from '../support/wire-encoder.ts'
import {
  aggregateOf,
  FakeShard,
  FIRST,
  filled,
  MiB,
  NAME,
  never,
  rest,
  UNPACED,
  valuesOf,
} from './fake-shard.ts'

const SERVICE = { limits: SERVICE_LIMITS }

describe('a shard read by polling', () => {
  test('at the service’s own limits nothing is throttled, with two readers beside each other', async () => {
    await using shard = await FakeShard.start({ limits: 'service' })
    await shard.plain(['a', 'b'])
    const refused = shard.fake.faults.add({ on: 'GetRecords', times: 1e9, effect: { kind: 'delay', ms: 1 } })
    const [one, two] = await Promise.all([
      shard.open({}, { times: SERVICE }),
      shard.open({}, { times: SERVICE, kinesis: shard.other() }),
    ])
    const began = performance.now()
    const counts = [0, 0]
    const poll = async (reader: typeof one, index: number): Promise<void> => {
      for (;;) {
        const stop = AbortSignal.timeout(Math.max(1, Math.ceil(3_000 - (performance.now() - began))))
        const batch = await reader!.next({ maxBytes: MiB, signal: stop }).catch(() => null)
        if (batch === null) return
        counts[index]! += batch.count
      }
    }
    await Promise.all([poll(one, 0), poll(two, 1)])
    assert.deepEqual(counts, [2, 2])
    assert.ok(refused.hits <= 5 * 3.5 && refused.hits >= 8, `${refused.hits} calls in 3 s`)
    assert.deepEqual(shard.warnings, [])
  })

  test('throttles pass by themselves', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a'])
    const error = { kind: 'error', code: 'ProvisionedThroughputExceededException' } as const
    shard.fake.faults.add({ on: 'GetRecords', times: 2, effect: error })
    shard.fake.faults.add({ on: 'GetShardIterator', times: 2, effect: error })
    assert.deepEqual(valuesOf(await filled(await shard.open())), ['a'])
  })

  test.each([
    { kind: 'error', code: 'InternalFailure' },
    { kind: 'cut', when: 'before' },
    { kind: 'cut', when: 'within' },
    { kind: 'cut', when: 'after' },
  ] as const)('$kind $when $code loses nothing', async (effect) => {
    await using shard = await FakeShard.start()
    await shard.plain(Array.from({ length: 30 }, (_, i) => String(i)))
    const reader = await shard.open({ until: 'now' })
    shard.fake.faults.add({ on: 'GetRecords', times: 3, effect })
    assert.deepEqual(
      await rest(reader, 1),
      Array.from({ length: 30 }, (_, i) => String(i)),
    )
  })

  test('what does not pass rejects at once, with the shard’s name', async () => {
    await using shard = await FakeShard.start()
    const reader = await shard.open()
    shard.fake.faults.add({ on: 'GetRecords', effect: { kind: 'error', code: 'AccessDeniedException' } })
    const error = await rejectsWith('PERMISSION_DENIED', () => reader.next({ maxBytes: 1, signal: never }))
    assert.deepEqual([error.topic, error.partition], [NAME, FIRST])
    shard.fake.faults.add({ on: 'GetRecords', effect: { kind: 'error', code: 'ResourceNotFoundException' } })
    await rejectsWith('NOT_FOUND', () => reader.next({ maxBytes: 1, signal: never }))
    // It stays where it was.
    await shard.plain(['a'])
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
  })

  test('an iterator that has expired is renewed where reading stopped, also before the first record', async () => {
    await using shard = await FakeShard.start({ iteratorLifeMs: 60_000 })
    const reader = await shard.open({ start: { from: 'latest' } })
    await reader.next({ maxBytes: MiB, signal: never })
    shard.fake.clock.offsetMs = 61_000
    await shard.plain(['a', 'b'])
    assert.deepEqual(valuesOf(await filled(reader)), ['a', 'b'])
    await shard.plain(['c'])
    shard.fake.clock.offsetMs = 200_000
    assert.deepEqual(valuesOf(await filled(reader)), ['c'])
  })

  test('a slow caller aborts, and finds everything when it comes back', async () => {
    await using shard = await FakeShard.start()
    const reader = await shard.open()
    await reader.next({ maxBytes: MiB, signal: never })
    const { checkpoint } = reader
    const reason = new Error('enough')
    const aborter = new AbortController()
    const next = reader.next({ maxBytes: MiB, signal: aborter.signal })
    aborter.abort(reason)
    await assert.rejects(next, (error) => error === reason)
    await assert.rejects(reader.next({ maxBytes: 1, signal: aborter.signal }), (error) => error === reason)
    assert.equal(reader.checkpoint, checkpoint)
    await shard.plain(['a'])
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
  })

  test('an answer that comes after its caller has gone is the next one’s', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a', 'b'])
    const reader = await shard.open()
    shard.fake.faults.add({ on: 'GetRecords', effect: { kind: 'delay', ms: 50 } })
    await assert.rejects(reader.next({ maxBytes: MiB, signal: AbortSignal.timeout(10) }))
    assert.deepEqual(valuesOf(await filled(reader)), ['a', 'b'])
    assert.equal(shard.fake.calls.count('GetRecords'), 1)
  })

  test('close ends a waiting next, once and for all', async () => {
    await using shard = await FakeShard.start()
    const reader = await shard.open({}, { times: SERVICE })
    await reader.next({ maxBytes: 1, signal: never })
    const next = reader.next({ maxBytes: 1, signal: never })
    await reader.close()
    await reader.close()
    await rejectsWith('CLOSED', () => next)
    await rejectsWith('CLOSED', () => reader.next({ maxBytes: 1, signal: never }))
  })

  test('more than was asked for is handed out in pieces, large records alone', async () => {
    await using shard = await FakeShard.start()
    const values = Array.from({ length: 40 }, (_, i) => String(i).padEnd(i === 20 ? 5_000 : 100, 'x'))
    await shard.plain(values)
    const reader = await shard.open({ until: 'now' })
    const seen: string[] = []
    for (;;) {
      const batch = await reader.next({ maxBytes: 1_000, signal: never })
      if (batch === null) break
      assert.ok(batch.sizeBytes <= 1_000 || batch.count === 1, `${batch.count} in ${batch.sizeBytes} bytes`)
      assert.ok(batch.count === 0 || batch.sizeBytes >= valuesOf(batch).join('').length)
      seen.push(...valuesOf(batch))
    }
    assert.deepEqual(seen, values)
    assert.ok(shard.fake.calls.count('GetRecords') <= 3, 'calls are not spent on pieces')
  })

  test('learns how large records are, and asks for as many as fit', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(Array(60).fill('x'.repeat(100_000)))
    const reader = await shard.open({ until: 'now' })
    shard.fake.calls.reset()
    assert.equal((await rest(reader, 300_000)).length, 60)
    // One that guesses, and then two or three records at a time.
    const calls = shard.fake.calls.count('GetRecords')
    assert.ok(calls >= 9 && calls <= 16, `${calls} calls`)
  })

  test('fetches the next answer while the core works, and no more than that', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(Array(3_000).fill('x'.repeat(1_000)))
    const reader = await shard.open()
    await reader.next({ maxBytes: 100_000, signal: never })
    await reader.next({ maxBytes: MiB, signal: never })
    const asked = shard.fake.calls.count('GetRecords')
    await eventually(() => shard.fake.calls.count('GetRecords') === asked + 1, { what: 'the next answer' })
    await wait(50)
    assert.equal(shard.fake.calls.count('GetRecords'), asked + 1)
  })

  test('lag shrinks over the pieces of an answer, reaches 0 and is said once', async () => {
    await using shard = await FakeShard.start()
    shard.fake.clock.offsetMs = -60_000
    await shard.plain(['a', 'b'])
    shard.fake.clock.offsetMs = -30_000
    await shard.plain(['c'])
    shard.fake.clock.offsetMs = 0
    await shard.plain(['d'])
    const reader = await shard.open()
    const lags: number[] = []
    while (lags.at(-1) !== 0) lags.push((await reader.next({ maxBytes: 1, signal: never }))!.lag.millis!)
    assert.equal(lags.length, 4)
    assert.ok(lags[0]! >= 59_000 && lags[2]! >= 29_000 && lags[2]! < 40_000, `${lags}`)
    await assert.rejects(reader.next({ maxBytes: 1, signal: AbortSignal.timeout(100) }))
  })

  test('an empty shard says that nothing is left', async () => {
    await using shard = await FakeShard.start()
    const reader = await shard.open()
    const batch = await reader.next({ maxBytes: 1, signal: never })
    assert.deepEqual([batch!.count, batch!.lag, batch!.end], [0, { millis: 0 }, 'TRIM_HORIZON'])
  })
})

describe('aggregates', () => {
  test('keys, values, headers, timestamps and arrivals come back', async () => {
    await using shard = await FakeShard.start()
    const headers = [{ name: 'h', value: Buffer.from('v') }]
    await shard.aggregate([
      { key: 'k', value: 'v', headers, timestamp: 7 },
      { key: null, value: null },
    ])
    await shard.plain(['p'])
    const batch = await filled(await shard.open())
    assert.equal(batch.count, 3)
    assert.equal(String(batch.key(0)), 'k')
    assert.deepEqual(
      batch.headers(0).map(({ name, value }) => [name, String(value)]),
      [['h', 'v']],
    )
    assert.equal(batch.timestamp(0), 7)
    assert.ok(Math.abs(batch.arrival(0)! - Date.now()) < 5_000)
    assert.equal(batch.timestamp(2), batch.arrival(2))
    assert.deepEqual([batch.key(1), batch.value(1)], [null, null])
    assert.deepEqual(
      [0, 1, 2].map((i) => batch.mayHaveHeaders!(i)),
      [true, false, false],
    )
    assert.equal(String(batch.key(2)), 'k0')
  })

  test('the hash of a key is the same in an aggregate and alone', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['p'])
    await shard.aggregate([{ key: 'k0', value: 'a' }])
    const batch = await filled(await shard.open())
    assert.equal(batch.keyHash(0), batch.keyHash(1))
  })

  test('what only looks like one is given as it is', async () => {
    await using shard = await FakeShard.start()
    const damaged = aggregateOf([{ value: 'a' }])
    damaged[damaged.length - 1]! ^= 1
    await shard.raw(damaged)
    await shard.raw(damaged.subarray(0, 4))
    const batch = await filled(await shard.open())
    assert.deepEqual(
      [0, 1].map((i) => Buffer.from(batch.value(i)!)),
      [damaged, damaged.subarray(0, 4)],
    )
  })

  test('what does not belong to the shard is left out, by explicit hashes too; the checkpoint goes past it', async () => {
    await using shard = await FakeShard.start({ shards: 2 })
    const far = String(2n ** 128n - 1n)
    await shard.aggregate(
      [{ value: 'a' }, { value: 'far' }, { value: 'b' }, { value: 'far' }],
      ['0', far, '1', far],
    )
    const sequence = await shard.aggregate([{ value: 'far' }, { value: 'far' }], [far, far])
    const reader = await shard.open({ until: 'now' })
    const batch = await filled(reader)
    assert.deepEqual(valuesOf(batch), ['a', 'b'])
    assert.match(batch.position(1), /\/2$/)
    assert.match(batch.checkpointAfter(1), /\/2@/)
    assert.ok(batch.end.startsWith(`${sequence}/1@`), batch.end)
    assert.deepEqual(batch.lag, { millis: 0 })
    // Alone it is an empty batch that moves.
    const start = { checkpoint: batch.checkpointAfter(1) }
    const moved = await (await shard.open({ start })).next({ maxBytes: MiB, signal: never })
    assert.deepEqual([moved!.count, moved!.end.startsWith(`${sequence}/1@`)], [0, true])
  })

  test('the share of each record in the memory of its aggregate adds up', async () => {
    await using shard = await FakeShard.start()
    await shard.aggregate(Array.from({ length: 100 }, (_, i) => ({ value: String(i).padEnd(90) })))
    const reader = await shard.open({ until: 'now' })
    let size = 0
    let count = 0
    for (;;) {
      const batch = await reader.next({ maxBytes: 2_000, signal: never })
      if (batch === null) break
      assert.ok(batch.sizeBytes <= 2_000)
      size += batch.sizeBytes
      count += batch.count
    }
    assert.equal(count, 100)
    assert.ok(size >= 9_000 && size < 12_000, `${size}`)
  })
})

describe('doubles', () => {
  test('are dropped where that is asked for, in whatever aggregates they come', async () => {
    await using shard = await FakeShard.start({ parameters: 'dedupe=true&aggregate=true' })
    const encoded = (values: readonly string[], from: number): Buffer => {
      // Numbers its records from 0: the same ones again are doubles.
      const encoder = new WireEncoder('p')
      const all = Array.from({ length: from }, () => ({ value: 'skipped' }))
      if (from > 0) aggregateOf(all, [], encoder)
      return aggregateOf(
        values.map((value) => ({ value })),
        [],
        encoder,
      )
    }
    await shard.raw(encoded(['a', 'b'], 0))
    await shard.raw(encoded(['a', 'b', 'c'], 0))
    await shard.raw(encoded(['c'], 2))
    await shard.raw(encoded(['d'], 3))
    await shard.aggregate([{ value: 'e' }, { value: 'e' }])
    assert.deepEqual(await shard.all(), ['a', 'b', 'c', 'd', 'e', 'e'])
    assert.deepEqual(await rest(await shard.open({ until: 'now' }, { kinesis: shard.other() })), [
      'a',
      'b',
      'a',
      'b',
      'c',
      'c',
      'd',
      'e',
      'e',
    ])
  })
})

describe('splits and merges', () => {
  test('parents and their children give everything once, whatever comes between', async () => {
    await using shard = await FakeShard.start({ times: UNPACED })
    const written: string[] = []
    const put = async (name: string): Promise<void> => {
      for (const hash of [0n, 1n << 126n, 1n << 127n, (1n << 128n) - 1n]) {
        written.push(`${name}-${hash}`)
        await shard.plain([`${name}-${hash}`], String(hash))
      }
    }
    await put('first')
    await shard.split()
    await put('second')
    await shard.split('shardId-000000000001')
    await put('third')
    await shard.merge('shardId-000000000003', 'shardId-000000000004')
    await put('fourth')
    const read: string[] = []
    for (const { id } of shard.fake.stream(NAME).shards) read.push(...(await shard.all({ partition: id })))
    assert.deepEqual(read.toSorted(), written.toSorted())
  })
})
