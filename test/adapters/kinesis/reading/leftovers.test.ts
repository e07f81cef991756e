import assert from 'node:assert/strict'
import { getActiveResourcesInfo } from 'node:process'
import { describe, test } from 'vitest'
import { SERVICE_LIMITS } from '../../../../adapters/kinesis/reading/reading-limits.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { FakeShard, filled, MiB, never, UNPACED } from './fake-shard.ts'

const timers = (): number => getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('a reader that is closed leaves no timer', () => {
  test.each([
    ['while it waits for records', '', UNPACED],
    ['while it waits for a call to be allowed', '', { limits: { ...SERVICE_LIMITS, callsPerSecond: 1 } }],
    ['while an event is awaited', 'fanout=app', UNPACED],
  ] as const)('%s', async (_, parameters, times) => {
    await using shard = await FakeShard.start({ parameters, times })
    await shard.plain(['a'])
    const before = timers()
    const reader = await shard.open()
    await filled(reader)
    const asked = (): number =>
      shard.fake.calls.count('GetRecords') + shard.fake.calls.count('SubscribeToShard')
    const first = asked()
    const next = reader.next({ maxBytes: MiB, signal: never })
    next.catch(() => {})
    // Fan-out asked once, and is waiting since.
    if (parameters === '') await eventually(() => asked() > first, { what: 'another call' })
    await reader.close()
    await assert.rejects(next)
    await eventually(() => timers() <= before, { withinMs: 100, what: 'no timer is left' })
  })

  test('and a caller that gave up in a pause between attempts', async () => {
    await using shard = await FakeShard.start()
    const before = timers()
    const reader = await shard.open()
    shard.fake.faults.add({
      on: 'GetShardIterator',
      times: 1e9,
      effect: { kind: 'error', code: 'InternalFailure' },
    })
    await assert.rejects(reader.next({ maxBytes: MiB, signal: AbortSignal.timeout(500) }))
    await reader.close()
    await eventually(() => timers() <= before, { withinMs: 100, what: 'no timer is left' })
  })
})
