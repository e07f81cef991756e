import { beforeEach, describe, expect, it } from 'vitest'
import { shardId } from './support/fake-streams.ts'
import { settled } from './support/manual-clock.ts'
import { DRAIN_MS, SESSION_MS, TestGroup } from './support/test-group.ts'

let group: TestGroup
beforeEach(async () => {
  group = await TestGroup.open()
})

const counts = (): number[] => group.shares.map((shards) => shards.length).sort((a, b) => b - a)

describe('sharing', () => {
  it('gives one member everything at its first look', async () => {
    group.streams.create('orders', 8)
    await group.join()
    await settled()
    expect(group.shares).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
  })

  it.each([
    { shards: 16, members: 2, rounds: 6 },
    { shards: 9, members: 4, rounds: 8 },
    { shards: 64, members: 5, rounds: 10 },
    { shards: 3, members: 5, rounds: 6 },
  ])(
    'spreads $shards shards over $members members within $rounds rounds',
    async ({ shards, members, rounds }) => {
      group.streams.create('orders', shards)
      await group.join()
      await group.clock.advance(SESSION_MS)
      for (let i = 1; i < members; i++) await group.join()
      await group.clock.advance((rounds * SESSION_MS) / 3)
      const even = Math.floor(shards / members)
      for (const count of counts()) expect([even, even + 1]).toContain(count)
      expect(counts().reduce((a, b) => a + b)).toBe(shards)
      // And it stays so: nothing moves for the sake of moving.
      const moved = group.happenings.length
      await group.clock.advance(20 * SESSION_MS)
      expect(group.happenings.length).toBe(moved)
    },
  )

  it('hands over in order: revoked, drained, given, and only then begun by the next', async () => {
    group.streams.create('orders', 2)
    const first = await group.join()
    await settled()
    const gate = Promise.withResolvers<void>()
    first.drain = () => gate.promise
    const second = await group.join()
    await group.clock.advance(2 * SESSION_MS)
    expect(group.happenings.filter(({ what }) => what === 'revoked')).toHaveLength(1)
    expect(second.shards).toEqual([])
    // It still checkpoints, and its sign of life goes on, for much longer than a session.
    const draining = first.assignment(shardId(0))
    expect(await first.checkpoint(draining, '55/0')).toBeUndefined()
    expect((await group.lease(shardId(0))).checkpointOwner).toBe(first.inner.memberId)
    gate.resolve()
    await group.clock.advance(SESSION_MS / 3)
    expect(group.shares).toEqual([[1], [0]])
    const taken = second.assignment(shardId(0))
    expect(taken.checkpoint).toBe('55/0')
    expect(taken.epoch).toBeGreaterThan(draining.epoch)
    expect(group.happenings.filter(({ shard }) => shard === shardId(0)).map(({ what }) => what)).toEqual([
      'assigned',
      'revoked',
      'released',
      'assigned',
    ])
    expect((await first.checkpoint(draining, '56/0'))?.code).toBe('FENCED')
    expect((await group.lease(shardId(0))).checkpoint).toMatchObject({ sequence: '55' })
  })

  it('takes by force what is not drained in time', async () => {
    group.streams.create('orders', 2)
    const first = await group.join()
    await settled()
    first.drain = () => new Promise(() => {})
    const second = await group.join()
    await group.clock.advance(DRAIN_MS + SESSION_MS)
    expect(second.shards).toEqual([0])
    expect(group.happenings.map(({ member, what }) => `${member} ${what}`)).toContain('m0 lost')
    await group.clock.advance(5 * SESSION_MS)
    expect(group.shares).toEqual([[1], [0]])
  })

  it.each([0, 0.2, 0.4, 0.6, 0.8])(
    'gives what a member leaves to the others at once, whenever they looked last (%f)',
    async (phase) => {
      group.streams.create('orders', 6)
      const first = await group.join()
      await group.join()
      await group.clock.advance((20 + phase) * SESSION_MS)
      expect(counts()).toEqual([3, 3])
      await first.inner.leave()
      expect(first.shards).toEqual([])
      expect((await group.leases()).filter(({ owner }) => owner === first.inner.memberId)).toEqual([])
      await group.clock.advance(SESSION_MS / 2)
      expect(group.shares[1]).toEqual([0, 1, 2, 3, 4, 5])
    },
  )

  it('tells of members without a lease, and counts them', async () => {
    group.streams.create('orders', 1)
    await group.join()
    const idle = await group.join()
    await group.clock.advance(SESSION_MS)
    const told = (await group.leases()).flatMap((lease) => Object.keys(lease.idle))
    expect(told).toEqual([idle.inner.memberId])
    await idle.inner.leave()
    expect((await group.leases()).flatMap((lease) => Object.keys(lease.idle))).toEqual([])
  })

  it('leaves no timer behind', async () => {
    group.streams.create('orders', 3)
    const members = [await group.join(), await group.join()]
    await group.clock.advance(SESSION_MS)
    await members[0]!.inner.leave()
    await members[1]!.inner.stop()
    await settled()
    expect(group.clock.sleepers).toBe(0)
    await members[0]!.inner.leave()
    await members[1]!.inner.stop()
  })

  it('offers an abandoned partition to others, and to its member again when it is reclaimed', async () => {
    group.streams.create('orders', 4)
    const first = await group.join()
    const second = await group.join()
    await group.clock.advance(4 * SESSION_MS)
    const [shard] = first.shards
    const given = first.assignment(shardId(shard!))
    await first.inner.abandon(given)
    // Who abandons is not told.
    first.held.delete(`orders/${shardId(shard!)}`)
    expect((await first.checkpoint(given, '5/0'))?.code).toBe('FENCED')
    await group.clock.advance(2 * SESSION_MS)
    expect(second.shards).toContain(shard)
    await second.inner.leave()
    await group.clock.advance(10 * SESSION_MS)
    // Nobody else is there, and the hung handler has not ended.
    expect(first.shards).not.toContain(shard)
    expect(first.shards).toHaveLength(3)
    await first.inner.reclaim('orders', shardId(shard!))
    await group.clock.advance(SESSION_MS)
    expect(first.shards).toHaveLength(4)
  })
})

describe('death', () => {
  it('is found when a counter has not changed for a session of the observer', async () => {
    group.streams.create('orders', 2)
    const first = await group.join()
    await group.clock.advance(SESSION_MS)
    const second = await group.join()
    await group.clock.advance(0)
    first.table.failing = 'UNAVAILABLE'
    const diedAt = group.clock.now()
    await group.clock.advance(3 * SESSION_MS)
    expect(second.shards).toEqual([0, 1])
    const lost = group.happenings.filter(({ what }) => what === 'lost')
    const taken = group.happenings.filter(({ what, member }) => what === 'assigned' && member === 'm1')
    for (const shard of [shardId(0), shardId(1)]) {
      const [end, begin] = [lost, taken].map((list) => list.find((each) => each.shard === shard)!)
      // Who cannot confirm its lease stops before it can be another's.
      expect(end!.at).toBeLessThan(begin!.at)
      expect(begin!.at).toBeLessThan(diedAt + 2 * SESSION_MS)
    }
  })

  it.each([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])(
    'is found within two sessions, also by who has long been at rest (%f of a session after its last look)',
    async (phase) => {
      group.streams.create('orders', 4)
      const first = await group.join()
      const second = await group.join()
      await group.clock.advance((20 + phase) * SESSION_MS)
      expect(second.shards).toHaveLength(2)
      first.table.failing = 'UNAVAILABLE'
      const diedAt = group.clock.now()
      await group.clock.advance(3 * SESSION_MS)
      expect(second.shards).toEqual([0, 1, 2, 3])
      const taken = group.happenings.filter(({ what, at }) => what === 'assigned' && at > diedAt)
      for (const { at } of taken) expect(at).toBeLessThan(diedAt + 2 * SESSION_MS)
    },
  )

  it('of a member with a longer session is awaited by those with shorter ones', async () => {
    group.streams.create('orders', 1)
    const slow = await group.join({ sessionMs: 10 * SESSION_MS })
    await settled()
    const quick = await group.join()
    await group.clock.advance(9 * SESSION_MS)
    expect(slow.shards).toEqual([0])
    expect(quick.shards).toEqual([])
    slow.table.failing = 'UNAVAILABLE'
    await group.clock.advance(16 * SESSION_MS)
    expect(quick.shards).toEqual([0])
  })

  it('is not held against a group by an observer that was stopped itself', async () => {
    group.streams.create('orders', 2)
    const first = await group.join()
    await group.clock.advance(SESSION_MS)
    const { ManualClock } = await import('./support/manual-clock.ts')
    const clock = new ManualClock()
    await group.join({ clock })
    for (let i = 0; i < 12; i++) {
      await group.clock.advance(SESSION_MS / 3)
      await clock.advance(SESSION_MS / 3)
    }
    expect(counts()).toEqual([1, 1])
    // The first lives all the time; the second stands still for ten sessions, and loses its own.
    await group.clock.advance(10 * SESSION_MS)
    await clock.jump(10 * SESSION_MS)
    expect(first.shards).toHaveLength(2)
    expect(group.happenings.filter(({ member, what }) => member === 'm0' && what === 'lost')).toEqual([])
    expect(group.happenings.at(-1)).toMatchObject({ member: 'm1', what: 'lost' })
  })

  it('a stopped member that wakes has lost all before it can checkpoint anything', async () => {
    group.streams.create('orders', 1)
    const { ManualClock } = await import('./support/manual-clock.ts')
    const clock = new ManualClock()
    const zombie = await group.join({ clock })
    await settled()
    const held = zombie.assignment(shardId(0))
    const heir = await group.join()
    await group.clock.advance(3 * SESSION_MS)
    expect(heir.shards).toEqual([0])
    const before = await group.lease(shardId(0))
    // Its timers have not run yet when its handler finishes.
    clock.sleep = () => new Promise(() => {})
    const advanced = Object.getPrototypeOf(clock) as { now(): number }
    const late = advanced.now.call(clock) + 4 * SESSION_MS
    clock.now = () => late
    expect((await zombie.checkpoint(held, '88/0'))?.code).toBe('FENCED')
    expect(await group.lease(shardId(0))).toMatchObject({ checkpoint: before.checkpoint })
  })

  it('a lease that is won back has another epoch, and the old one writes nothing', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await settled()
    const old = member.assignment(shardId(0))
    member.table.failing = 'UNAVAILABLE'
    await group.clock.advance(SESSION_MS)
    expect(member.shards).toEqual([])
    member.table.failing = undefined
    await group.clock.advance(SESSION_MS)
    expect(member.shards).toEqual([0])
    const again = member.assignment(shardId(0))
    expect(again.epoch).toBeGreaterThan(old.epoch)
    expect((await member.checkpoint(old, '5/0'))?.code).toBe('FENCED')
    expect(await member.checkpoint(again, '6/0')).toBeUndefined()
    expect((await group.lease(shardId(0))).checkpoint).toMatchObject({ sequence: '6' })
  })
})

describe('trouble with the table', () => {
  it('for less than a session changes nothing', async () => {
    group.streams.create('orders', 3)
    const member = await group.join()
    await group.clock.advance(SESSION_MS)
    for (const code of ['THROTTLED', 'UNAVAILABLE', 'TIMEOUT'] as const) {
      member.table.failing = code
      await group.clock.advance(SESSION_MS / 2 - 20)
      member.table.failing = undefined
      await group.clock.advance(SESSION_MS)
    }
    expect(member.shards).toEqual([0, 1, 2])
    expect(group.happenings.filter(({ what }) => what !== 'assigned')).toEqual([])
  })

  it('a checkpoint waits for it to pass, and is told when it does not', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await settled()
    const held = member.assignment(shardId(0))
    member.table.failing = 'THROTTLED'
    const stored = member.checkpoint(held, '5/0')
    await group.clock.advance(SESSION_MS / 4)
    member.table.failing = undefined
    await group.clock.advance(SESSION_MS / 4)
    expect(await stored).toBeUndefined()
    member.table.failing = 'THROTTLED'
    const failed = member.checkpoint(held, '6/0')
    await group.clock.advance(2 * SESSION_MS)
    expect((await failed)?.code).toBe('THROTTLED')
    expect((await group.lease(shardId(0))).checkpoint).toMatchObject({ sequence: '5' })
  })

  it('answers that are lost are found to have been its own', async () => {
    group.streams.create('orders', 2)
    const member = await group.join()
    await settled()
    for (let i = 0; i < 6; i++) {
      member.table.losingAnswers = 2
      await group.clock.advance(SESSION_MS / 3)
    }
    const held = member.assignment(shardId(0))
    member.table.losingAnswers = 1
    const stored = member.checkpoint(held, '7/0')
    await group.clock.advance(SESSION_MS / 4)
    expect(await stored).toBeUndefined()
    expect((await group.lease(shardId(0))).checkpoint).toMatchObject({ sequence: '7' })
    expect(member.shards).toEqual([0, 1])
    expect(group.happenings.filter(({ what }) => what === 'lost')).toEqual([])
  })

  it('an end whose answer was lost is an end', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await settled()
    group.streams.split('orders', shardId(0))
    member.table.losingAnswers = 1
    const ended = member.end(shardId(0))
    await group.clock.advance(SESSION_MS / 4)
    expect(await ended).toBeUndefined()
    await group.clock.advance(SESSION_MS)
    expect(member.shards).toEqual([1, 2])
    expect(group.happenings.filter(({ what }) => what === 'lost')).toEqual([])
  })

  it('a taken lease whose answer was lost is noticed with the next look', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    member.table.losingAnswers = 1
    await group.clock.advance(SESSION_MS)
    expect(member.shards).toEqual([0])
  })

  it.each(['NOT_FOUND', undefined] as const)(
    'a deleted table (%s) is made again of what its members know: nothing is passed over',
    async (code) => {
      group.streams.create('orders', 4)
      const first = await group.join({ from: 'latest' })
      const second = await group.join({ from: 'latest' })
      await group.clock.advance(4 * SESSION_MS)
      expect(counts()).toEqual([2, 2])
      for (const member of [first, second]) {
        for (const shard of member.shards) {
          expect(
            await member.checkpoint(member.assignment(shardId(shard)), `${500 + shard}/0`),
          ).toBeUndefined()
        }
      }
      const epochs = new Map((await group.leases()).map(({ key, counter }) => [key, counter]))
      // DynamoDB says that there is no such table, until somebody has made it again.
      for (const { table } of [first, second]) table.failing = code
      await group.table.destroy()
      await group.clock.advance(SESSION_MS / 2)
      for (const { table } of [first, second]) table.failing = undefined
      await group.clock.advance(6 * SESSION_MS)
      expect(counts()).toEqual([2, 2])
      for (const lease of await group.leases()) {
        expect(lease.checkpoint).toMatchObject({ sequence: String(500 + Number(lease.shard.split('-')[1])) })
        expect(lease.counter).toBeGreaterThan(epochs.get(lease.key)!)
      }
    },
  )

  it.each([1, 2])(
    'what was done and tidied away while a member stood still, %i generation(s) of it, is not made again by it',
    async (generations) => {
      group.streams.create('orders', 1)
      const { ManualClock } = await import('./support/manual-clock.ts')
      const clock = new ManualClock()
      const sleeper = await group.join({ clock })
      await clock.advance(SESSION_MS)
      expect(await sleeper.checkpoint(sleeper.assignment(shardId(0)), '5/0')).toBeUndefined()
      const heir = await group.join()
      await group.clock.advance(3 * SESSION_MS)
      for (let generation = 0; generation < generations; generation++) {
        const last = Math.max(...heir.shards)
        const children = group.streams.split('orders', shardId(last))
        await heir.end(shardId(last))
        await group.clock.advance(SESSION_MS)
        for (const child of children) {
          expect(await heir.checkpoint(heir.assignment(child), '7/0')).toBeUndefined()
        }
        await group.clock.advance(20 * SESSION_MS)
      }
      const there = (await group.leases()).map(({ shard }) => shard)
      expect(there).toHaveLength(generations + 1)
      await clock.jump(generations * 21 * SESSION_MS)
      for (let i = 0; i < 24; i++) {
        await clock.advance(SESSION_MS / 3)
        await group.clock.advance(SESSION_MS / 3)
      }
      expect((await group.leases()).map(({ shard }) => shard)).toEqual(there)
    },
  )

  it('refused credentials end the membership', async () => {
    group.streams.create('orders', 2)
    const member = await group.join()
    await settled()
    member.table.failing = 'PERMISSION_DENIED'
    await group.clock.advance(SESSION_MS)
    expect(member.failed?.code).toBe('PERMISSION_DENIED')
    expect(member.shards).toEqual([])
    await settled()
    expect(group.clock.sleepers).toBe(0)
  })

  it('a topic that is deleted ends the membership', async () => {
    group.streams.create('orders', 2)
    const member = await group.join()
    await settled()
    group.streams.delete('orders')
    await group.clock.advance(15 * SESSION_MS)
    expect(member.failed?.code).toBe('NOT_FOUND')
  })
})

describe('a stream that is made anew under the name of a topic', () => {
  it('ends the membership: its shards are not those of before', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await settled()
    group.streams.create('orders', 1, 1_800_000_000)
    await group.clock.advance(15 * SESSION_MS)
    expect(member.failed?.code).toBe('NOT_FOUND')
  })
})

describe('what it costs', () => {
  const SESSIONS = 100

  async function atRest(shards: number, members: number): Promise<Record<string, number>[]> {
    group.streams.create('orders', shards)
    for (let i = 0; i < members; i++) await group.join()
    await group.clock.advance(10 * SESSION_MS)
    const before = group.members.map(({ table }) => ({ ...table.counts }))
    await group.clock.advance(SESSIONS * SESSION_MS)
    return group.members.map(({ table: { counts } }, i) =>
      Object.fromEntries(
        Object.entries(counts).map(([name, count]) => [name, count - before[i]![name as 'list']]),
      ),
    )
  }

  it('at rest and alone: a sign of life each third of a session for a shard, and a look at the table in two', async () => {
    const [made] = await atRest(10, 1)
    console.log(`looks of a member alone in ${SESSIONS} sessions: ${made!.list}`)
    expect(made!.update! / 10).toBeLessThanOrEqual(3 * SESSIONS * 1.01)
    expect(made!.update! / 10).toBeGreaterThanOrEqual(3 * SESSIONS * 0.95)
    // One more each twelve sessions, for the upkeep.
    expect(made!.list).toBeLessThanOrEqual(SESSIONS / 2 + SESSIONS / 12 + 2)
    expect(made!.announce! + made!.create! + made!.delete! + made!.get!).toBe(0)
  })

  it('at rest and with others: no more than about a look in a session, and the upkeep by one of them', async () => {
    const made = await atRest(9, 3)
    console.log(`looks of each of three members in ${SESSIONS} sessions: ${made.map(({ list }) => list)}`)
    for (const { list } of made) expect(list).toBeLessThanOrEqual(SESSIONS / 0.9 + SESSIONS / 12 + 2)
    expect(made.reduce((sum, { list }) => sum + list!, 0)).toBeLessThanOrEqual(
      (3 * SESSIONS) / 0.9 + SESSIONS / 12 + 6,
    )
    for (const { update } of made) expect(update! / 3).toBeLessThanOrEqual(3 * SESSIONS * 1.01)
  })

  it('a checkpoint is a sign of life: under load there is no other', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await group.clock.advance(SESSION_MS)
    const before = member.table.counts.update
    for (let i = 1; i <= 100; i++) {
      await member.checkpoint(member.assignment(shardId(0)), `${i}/0`)
      await group.clock.advance(SESSION_MS / 6)
    }
    expect(member.table.counts.update - before).toBe(100)
  })
})
