import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { formatPosition } from '../../../../adapters/kinesis/positions.ts'
import type { KinesisService } from '../../../../adapters/kinesis/service/service.ts'
import type { From, Until } from '../../../../src/driver.ts'
import { rejectsWith } from '../../../conformance/rejects-with.ts'
import { FakeShard, filled, MiB, NAME, never, rest, valuesOf } from './fake-shard.ts'

const HOUR = 3_600_000

describe('where a reader begins', () => {
  test('earliest, and at and after plain records', async () => {
    await using shard = await FakeShard.start()
    const positions = await shard.plain(['a', 'b', 'c', 'd'])
    const read = (from: From) => shard.all({ start: { from } })
    assert.deepEqual(await read('earliest'), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await read({ at: positions[1]! }), ['b', 'c', 'd'])
    assert.deepEqual(await read({ after: positions[1]! }), ['c', 'd'])
    assert.deepEqual(await read({ after: positions[3]! }), [])
    assert.deepEqual(await read({ at: positions[3]! }), ['d'])
  })

  test('at and after records inside aggregates', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['before'])
    const sequence = await shard.aggregate(['a', 'b', 'c'].map((value) => ({ value })))
    await shard.plain(['behind'])
    const read = (from: From) => shard.all({ start: { from } })
    assert.deepEqual(await read({ at: formatPosition(sequence, 0) }), ['a', 'b', 'c', 'behind'])
    assert.deepEqual(await read({ at: formatPosition(sequence, 2) }), ['c', 'behind'])
    assert.deepEqual(await read({ after: formatPosition(sequence, 0) }), ['b', 'c', 'behind'])
    assert.deepEqual(await read({ after: formatPosition(sequence, 2) }), ['behind'])
    await rejectsWith('INVALID_ARGUMENT', () => read({ at: formatPosition(sequence, 3) }))
  })

  test('every checkpoint that batches give, whatever the size of the pieces', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a', 'b'])
    await shard.aggregate(['c', 'd', 'e'].map((value) => ({ value })))
    await shard.plain(['f'])
    const all = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const maxBytes of [1, 500, MiB]) {
      const reader = await shard.open({ until: 'now' })
      let seen = 0
      for (;;) {
        const batch = await reader.next({ maxBytes, signal: never })
        if (batch === null) break
        for (let i = 0; i < batch.count; i++) {
          seen++
          const start: { checkpoint: string } = { checkpoint: batch.checkpointAfter(i) }
          assert.deepEqual(await shard.all({ start }), all.slice(seen))
        }
        assert.deepEqual(await shard.all({ start: { checkpoint: batch.end } }), all.slice(seen))
        assert.equal(reader.checkpoint, batch.end)
      }
      assert.equal(seen, all.length)
      await reader.close()
    }
  })

  test('a checkpoint of KCL, without arrival and before all of a record', async () => {
    await using shard = await FakeShard.start()
    const sequence = await shard.aggregate(['a', 'b'].map((value) => ({ value })))
    await shard.plain(['c'])
    const read = (checkpoint: string) => shard.all({ start: { checkpoint } })
    assert.deepEqual(await read(`${sequence}/-1`), ['a', 'b', 'c'])
    assert.deepEqual(await read(`${sequence}/0`), ['b', 'c'])
    assert.deepEqual(await read(`${sequence}/1`), ['c'])
    assert.deepEqual(await read('TRIM_HORIZON'), ['a', 'b', 'c'])
    assert.deepEqual(await read('LATEST'), [])
    assert.deepEqual(await read('SHARD_END'), [])
  })

  test('a timestamp is the record’s own, else its arrival; only the beginning is looked for', async () => {
    await using shard = await FakeShard.start()
    const start = Date.now() - HOUR
    await shard.aggregate([
      { value: 'a', timestamp: start + 1_000 },
      { value: 'b', timestamp: start + 3_000 },
      { value: 'late', timestamp: start },
    ])
    const arrival = Date.now()
    shard.fake.clock.offsetMs = 10_000
    await shard.plain(['c', 'd'])
    const read = (timestamp: number | Date) => shard.all({ start: { from: { timestamp } } })
    assert.deepEqual(await read(0), ['a', 'b', 'late', 'c', 'd'])
    assert.deepEqual(await read(start + 1_001), ['b', 'late', 'c', 'd'])
    assert.deepEqual(await read(new Date(start + 3_000)), ['b', 'late', 'c', 'd'])
    assert.deepEqual(await read(arrival + 1_000), ['c', 'd'])
    assert.deepEqual(await read(Date.now() + HOUR), [])
  })

  test('the checkpoint stays a time until the first record that is not older', async () => {
    await using shard = await FakeShard.start()
    const from = { timestamp: Date.now() + 60_000 }
    const reader = await shard.open({ start: { from } })
    await shard.plain(['old'])
    const idle = await reader.next({ maxBytes: MiB, signal: never })
    assert.equal(idle?.count, 0)
    assert.equal(reader.checkpoint, `AT_TIMESTAMP@${from.timestamp}`)
    await shard.aggregate([{ value: 'young', timestamp: from.timestamp }])
    assert.deepEqual(valuesOf(await filled(reader)), ['young'])
    assert.match(reader.checkpoint, /^\d+\/0@/)
  })

  test('latest is fixed when the reader opens, and its checkpoint keeps it', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['old'])
    const reader = await shard.open({ start: { from: 'latest' } })
    const { checkpoint } = reader
    await shard.plain(['new'])
    assert.deepEqual(valuesOf(await filled(reader)), ['new'])
    assert.deepEqual(await shard.all({ start: { checkpoint } }), ['new'])
  })

  test('latest of a shard to which nothing came for long', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['old'])
    shard.fake.clock.offsetMs = 60_000
    const reader = await shard.open({ start: { from: 'latest' } })
    const { checkpoint } = reader
    assert.match(checkpoint, /^LATEST@\d+$/)
    // Whoever resumes there gets what came since, with whatever timestamp.
    await shard.aggregate([{ value: 'new', timestamp: 1 }])
    assert.deepEqual(valuesOf(await filled(reader)), ['new'])
    assert.deepEqual(await shard.all({ start: { checkpoint } }), ['new'])
  })
})

describe('where a reader ends', () => {
  test('now, at, after and a timestamp', async () => {
    await using shard = await FakeShard.start()
    const [a, b] = await shard.plain(['a', 'b'])
    const sequence = await shard.aggregate([
      { value: 'c', timestamp: 5_000 },
      { value: 'd', timestamp: 6_000 },
    ])
    await shard.plain(['e'])
    const read = (until: Until) => shard.all({ until })
    assert.deepEqual(await read('now'), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await read({ at: a! }), [])
    assert.deepEqual(await read({ at: b! }), ['a'])
    assert.deepEqual(await read({ after: b! }), ['a', 'b'])
    assert.deepEqual(await read({ at: formatPosition(sequence, 1) }), ['a', 'b', 'c'])
    assert.deepEqual(await read({ after: formatPosition(sequence, 0) }), ['a', 'b', 'c'])
    assert.deepEqual(await read({ after: formatPosition(sequence, 1) }), ['a', 'b', 'c', 'd'])
    assert.deepEqual(await read({ timestamp: 5_500 }), [])
    assert.deepEqual(await shard.all({ start: { from: { at: sequence } }, until: { timestamp: 5_500 } }), [
      'c',
    ])
    assert.deepEqual(await read({ timestamp: Date.now() + 1 }), ['a', 'b', 'c', 'd', 'e'])
  })

  test('now is the moment of opening', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a'])
    const reader = await shard.open({ until: 'now' })
    await shard.plain(['b'])
    assert.deepEqual(await rest(reader), ['a'])
  })

  test('now is the moment of opening also where nothing came for long', async () => {
    await using shard = await FakeShard.start()
    const empty = await shard.open({ until: 'now' })
    await shard.plain(['a'])
    assert.deepEqual(await rest(empty), [])
    shard.fake.clock.offsetMs = 60_000
    const reader = await shard.open({ until: 'now' })
    await shard.plain(['b'])
    assert.deepEqual(await rest(reader), ['a'])
  })

  test('a time that lies ahead, once it has come', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a'])
    const timestamp = Date.now() + 60_000
    const reader = await shard.open({ until: { timestamp } })
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
    await shard.plain(['b'])
    assert.deepEqual(valuesOf(await filled(reader)), ['b'])
    shard.fake.clock.offsetMs = 70_000
    assert.deepEqual(await rest(reader), [])
  })

  test('nothing is asked for where the end is reached at the start', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a', 'b'])
    const before = await shard.open({ until: 'now' })
    const batch = await filled(before)
    const { checkpoint } = before
    shard.fake.calls.reset()
    const position = batch.position(1)
    assert.deepEqual(await shard.all({ start: { checkpoint }, until: { after: position } }), [])
    assert.deepEqual(await shard.all({ start: { checkpoint: 'SHARD_END' } }), [])
    assert.equal(shard.fake.calls.count('GetRecords'), 0)
  })

  test('a shard that has ended gives null when all was read, children or not asked', async () => {
    await using shard = await FakeShard.start()
    const reader = await shard.open()
    await shard.plain(['a'])
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
    await shard.plain(['b'])
    await shard.split()
    assert.deepEqual(await rest(reader), ['b'])
    assert.equal(reader.checkpoint, 'SHARD_END')
    const maps = await shard.kinesis.streams.shards(NAME)
    assert.equal(maps.shards.length, 3, 'the children are known at once')
    assert.deepEqual(await shard.all({ start: { from: 'latest' } }), [])
    assert.deepEqual(await shard.all({}), ['a', 'b'])
    for (const partition of ['shardId-000000000001', 'shardId-000000000002']) {
      assert.deepEqual(await shard.all({ partition }), [])
    }
  })
})

describe('what has left retention', () => {
  test('bare positions, by the oldest record that is there', async () => {
    await using shard = await FakeShard.start()
    const positions = await shard.plain(['a', 'b', 'c'])
    shard.fake.trim(NAME, { shard: 'shardId-000000000000', toNumber: positions[2]! })
    for (const from of [{ at: positions[0]! }, { after: positions[1]! }]) {
      const error = await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { from } }))
      assert.equal(error.topic, NAME)
      assert.equal(error.partition, 'shardId-000000000000')
    }
    assert.deepEqual(await shard.all(), ['c'])
    assert.deepEqual(await shard.all({ start: { from: { at: positions[2]! } } }), ['c'])
  })

  test('checkpoints, by the time until which all was read', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a', 'b'])
    const reader = await shard.open()
    await filled(reader)
    const { checkpoint } = reader
    shard.fake.clock.offsetMs = 25 * HOUR
    await shard.plain(['c'])
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { checkpoint } }))
    await rejectsWith('POSITION_EXPIRED', () => reader.next({ maxBytes: MiB, signal: never }))
    assert.deepEqual(await shard.all(), ['c'])
  })

  test('checkpoints of KCL, by their record', async () => {
    await using shard = await FakeShard.start()
    const [a, b] = await shard.plain(['a', 'b'])
    shard.fake.trim(NAME, { shard: 'shardId-000000000000', toNumber: b! })
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { checkpoint: `${a}/0` } }))
    assert.deepEqual(await shard.all({ start: { checkpoint: `${b}/-1` } }), ['b'])
  })

  test('an idle shard’s checkpoint says from time to time that nothing came, and so does not expire', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a'])
    const reader = await shard.open()
    await filled(reader)
    const first = reader.checkpoint
    for (let hours = 1; hours <= 30; hours++) {
      shard.fake.clock.offsetMs = hours * HOUR
      const before = reader.checkpoint
      while (reader.checkpoint === before) await reader.next({ maxBytes: MiB, signal: never })
    }
    const { checkpoint } = reader
    await shard.plain(['b'])
    assert.deepEqual(await shard.all({ start: { checkpoint } }), ['b'])
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { checkpoint: first } }))
    assert.deepEqual(valuesOf(await filled(reader)), ['b'])
  })

  test('a reader that comes late finds that the record it stopped at is still there', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a', 'b'])
    const reader = await shard.open()
    await filled(reader)
    await shard.plain(['c'])
    // Longer than the service keeps records, but it has not come round to removing them.
    shard.fake.stream(NAME).retentionHours = 48
    shard.fake.clock.offsetMs = 25 * HOUR
    assert.deepEqual(valuesOf(await filled(reader)), ['c'])
  })

  test('a replay is not mistaken for a reader that came late: the service may count the oldest older than retention', async () => {
    await using shard = await FakeShard.start()
    await shard.plain(['a'])
    const { service } = shard.kinesis
    let answers = 0
    // Stretches without records come as answers without records.
    const call: KinesisService['call'] = async (command, options) => {
      const answer = await service.call(command, options)
      if (!('MillisBehindLatest' in answer) || ++answers > 2) return answer
      const input = command.input as { ShardIterator?: string }
      return { ...answer, Records: [], NextShardIterator: input.ShardIterator, MillisBehindLatest: 26 * HOUR }
    }
    const changed: KinesisService = {
      call,
      subscribe: (input, signal) => service.subscribe(input, signal),
      now: () => service.now(),
      close: () => service.close(),
    }
    const kinesis = { ...shard.kinesis, service: changed }
    const reader = await shard.open({}, { kinesis })
    assert.deepEqual(valuesOf(await filled(reader)), ['a'])
    assert.equal(answers, 3)
  })

  test('a shard that retention has removed: NOT_FOUND, POSITION_EXPIRED to who left off in it', async () => {
    await using shard = await FakeShard.start()
    const [a] = await shard.plain(['a'])
    await shard.split()
    shard.fake.trim(NAME)
    await rejectsWith('NOT_FOUND', () => shard.open())
    await rejectsWith('NOT_FOUND', () => shard.open({ partition: 'shardId-000000000099' }))
    await rejectsWith('NOT_FOUND', () => shard.open({ partition: '7', start: { checkpoint: `${a}/0` } }))
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { checkpoint: `${a}/0` } }))
    await rejectsWith('POSITION_EXPIRED', () => shard.open({ start: { from: { after: a! } } }))
    assert.deepEqual(await shard.all({ start: { checkpoint: 'SHARD_END' } }), [])
  })
})

describe('what is no place', () => {
  test('malformed, beyond the end, of another shard', async () => {
    await using shard = await FakeShard.start({ shards: 2 })
    const [a] = await shard.plain(['a'])
    const [other] = await shard.plain(['x'], String(2n ** 128n - 1n))
    const refused = (from: From) => rejectsWith('INVALID_ARGUMENT', () => shard.open({ start: { from } }))
    for (const at of ['', 'x', '-1', '1.5', '1/', '12//3']) await refused({ at })
    await refused({ at: String(BigInt(a!) + 1n) })
    await refused({ after: String(BigInt(a!) + 1n) })
    await refused({ at: other! })
    await refused({ timestamp: Number.NaN })
    await rejectsWith('INVALID_ARGUMENT', () => shard.open({ start: { checkpoint: 'x' } }))
    await rejectsWith('INVALID_ARGUMENT', () => shard.open({ until: { after: 'x' } }))
    await rejectsWith('NOT_FOUND', () => shard.open({ topic: 'nowhere' }))
  })
})
