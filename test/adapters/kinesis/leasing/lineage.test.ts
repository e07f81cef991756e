import { beforeEach, describe, expect, it } from 'vitest'
import { shardId } from './support/fake-streams.ts'
import { settled } from './support/manual-clock.ts'
import { SESSION_MS, TestGroup } from './support/test-group.ts'

let group: TestGroup
beforeEach(async () => {
  group = await TestGroup.open()
  group.streams.create('orders', 1)
})

const round = (): Promise<void> => group.clock.advance(SESSION_MS / 2)
const leased = async (): Promise<string[]> => (await group.leases()).map(({ shard }) => shard)

describe('children', () => {
  it('get their leases when their parent ends, and begin at their beginning', async () => {
    const member = await group.join({ from: 'latest' })
    await settled()
    const [a, b] = group.streams.split('orders', shardId(0))
    await group.clock.advance(5 * SESSION_MS)
    expect(member.shards).toEqual([0])
    expect(await member.end(shardId(0))).toBeUndefined()
    await round()
    expect(member.shards).toEqual([1, 2])
    for (const id of [a!, b!]) expect(member.assignment(id).checkpoint).toBe('TRIM_HORIZON')
    const parent = await group.lease(shardId(0))
    expect(parent).toMatchObject({ checkpoint: { kind: 'end' }, owner: undefined })
    expect([...parent.children].sort()).toEqual([a, b])
    expect(group.happenings.filter(({ shard }) => shard === shardId(0)).map(({ what }) => what)).toEqual([
      'assigned',
      'revoked',
      'released',
    ])
  })

  it('of a merge wait for both parents, whichever ends first', async () => {
    group.streams.create('orders', 2)
    const member = await group.join()
    await settled()
    const child = group.streams.merge('orders', shardId(0), shardId(1))
    await member.end(shardId(1))
    await group.clock.advance(5 * SESSION_MS)
    expect(member.shards).toEqual([0])
    await member.end(shardId(0))
    await round()
    expect(member.assignment(child).checkpoint).toBe('TRIM_HORIZON')
  })

  it('of a merge of what is itself not begun yet wait for that: nothing is passed over', async () => {
    group.streams.create('orders', 3)
    const member = await group.join()
    await settled()
    const merged = group.streams.merge('orders', shardId(0), shardId(1))
    const child = group.streams.merge('orders', merged, shardId(2))
    // It is done first, and its child would have no other parent to wait for than one that nobody knows.
    await member.end(shardId(2))
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).not.toContain(child)
    expect(member.shards).toEqual([0, 1])
    await member.end(shardId(0))
    await member.end(shardId(1))
    await round()
    expect(member.assignment(merged).checkpoint).toBe('TRIM_HORIZON')
    expect(member.shards).toEqual([3])
    await member.end(merged)
    await round()
    expect(member.assignment(child).checkpoint).toBe('TRIM_HORIZON')
  })

  it('of a merge are there when both parents end at the same time in two members', async () => {
    group.streams.create('orders', 2)
    const members = [await group.join(), await group.join()]
    await group.clock.advance(4 * SESSION_MS)
    expect(group.shares.map(({ length }) => length)).toEqual([1, 1])
    const child = group.streams.merge('orders', shardId(0), shardId(1))
    await Promise.all(members.map((member) => member.end(shardId(member.shards[0]!))))
    await group.clock.advance(SESSION_MS)
    expect(group.shares.flat()).toEqual([Number(child.split('-')[1])])
  })

  it('come through several generations that were there before anybody read, parents first', async () => {
    const [a, b] = group.streams.split('orders', shardId(0))
    const [c] = group.streams.split('orders', a!)
    const merged = group.streams.merge('orders', group.streams.map('orders').shard(a!)!.children[1]!, b!)
    const member = await group.join()
    const order: number[][] = []
    const isOpen = (shard: number): boolean => group.streams.map('orders').shard(shardId(shard))!.open
    await settled()
    for (let i = 0; i < 8 && !member.shards.every(isOpen); i++) {
      order.push(member.shards)
      for (const shard of member.shards) if (!isOpen(shard)) await member.end(shardId(shard))
      await round()
    }
    expect(order.slice(0, 2)).toEqual([[0], [1, 2]])
    expect(member.shards.map(shardId)).toEqual(expect.arrayContaining([c, merged]))
  })

  it('of a shard that ended before anybody read it wait until it has been read', async () => {
    group.streams.split('orders', shardId(0))
    const member = await group.join({ from: { timestamp: 1_000 } })
    await group.clock.advance(3 * SESSION_MS)
    expect(member.shards).toEqual([0])
    expect(member.assignment(shardId(0)).checkpoint).toBe('AT_TIMESTAMP@1000')
    await member.end(shardId(0))
    await round()
    expect(member.shards).toEqual([1, 2])
    expect(member.assignment(shardId(1)).checkpoint).toBe('AT_TIMESTAMP@1000')
  })

  it('are begun at once by a group that begins at latest: what lies in their parents is not for it', async () => {
    group.streams.split('orders', shardId(0))
    const member = await group.join({ from: 'latest' })
    await settled()
    expect(member.shards).toEqual([1, 2])
    expect(await leased()).toEqual([shardId(1), shardId(2)])
    expect(member.assignment(shardId(1)).checkpoint).toBe('77/0@1')
  })

  it('are not kept waiting by a parent that has no lease any more', async () => {
    const member = await group.join()
    await settled()
    group.streams.split('orders', shardId(0))
    await member.inner.leave()
    await group.table.delete(shardId(0))
    group.streams.trim('orders', shardId(0))
    await group.kclLease(shardId(1), { parents: [shardId(0)] })
    const next = await group.join()
    await group.clock.advance(20 * SESSION_MS)
    expect(next.shards).toEqual([1, 2])
  })

  it('are found by the others when the member that ended their parent dies before it could tell', async () => {
    const member = await group.join()
    await settled()
    const [a, b] = group.streams.split('orders', shardId(0))
    const lease = await group.lease(shardId(0))
    await member.inner.stop()
    // As KCL does it: the end is stored with the names of the children, which another creates.
    await group.table.update(
      lease,
      {},
      { counter: lease.counter + 1, owner: null, checkpoint: { kind: 'end' }, children: [a!, b!] },
    )
    const next = await group.join()
    await group.clock.advance(2 * SESSION_MS)
    expect(next.shards).toEqual([1, 2])
  })

  it('inherit what was parked, until they have a state of their own; the nearest ancestor counts', async () => {
    const member = await group.join()
    await settled()
    const state = Buffer.from('parked')
    const [a] = group.streams.split('orders', shardId(0))
    await member.end(shardId(0), state)
    await round()
    const inherited = (id: string): string[] =>
      member.assignment(id).inherited.map((each) => Buffer.from(each).toString())
    expect(inherited(a!)).toEqual(['parked'])
    const [c, d] = group.streams.split('orders', a!)
    await member.end(a!)
    await round()
    expect(inherited(c!)).toEqual(['parked'])
    await member.checkpoint(member.assignment(d!), '7/0', { state: Buffer.from('mine') })
    await member.inner.stop()
    const next = await group.join()
    await group.clock.advance(3 * SESSION_MS)
    expect(next.assignment(d!).inherited).toEqual([])
    expect(Buffer.from(next.assignment(d!).state!).toString()).toBe('mine')
    expect(next.assignment(c!).inherited).toHaveLength(1)
  })
})

describe('upkeep', () => {
  it('removes leases that are done when work on their children has begun, parents first', async () => {
    const member = await group.join()
    await settled()
    const [a, b] = group.streams.split('orders', shardId(0))
    await member.end(shardId(0))
    await round()
    await member.checkpoint(member.assignment(a!), '5/0')
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).toContain(shardId(0))
    await member.checkpoint(member.assignment(b!), '6/0')
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).toEqual([a, b])
    expect(member.shards).toEqual([1, 2])
  })

  it('keeps an ended lease whose parked keys a child has not made its own', async () => {
    const member = await group.join()
    await settled()
    const [a, b] = group.streams.split('orders', shardId(0))
    await member.end(shardId(0), Buffer.from('parked'))
    await round()
    for (const id of [a!, b!]) await member.checkpoint(member.assignment(id), '5/0')
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).toContain(shardId(0))
    for (const id of [a!, b!])
      await member.checkpoint(member.assignment(id), '6/0', { state: Buffer.from('x') })
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).toEqual([a, b])
  })

  it('never removes a lease that is not done, though retention has taken its shard', async () => {
    await group.join()
    await settled()
    group.streams.split('orders', shardId(0))
    group.streams.trim('orders', shardId(0))
    await group.clock.advance(30 * SESSION_MS)
    expect(await leased()).toContain(shardId(0))
  })

  it('is done by one member of many', async () => {
    group.streams.create('orders', 8)
    for (let i = 0; i < 4; i++) await group.join()
    await group.clock.advance(20 * SESSION_MS)
    const before = group.members.map(({ table }) => table.counts.list)
    await group.clock.advance(48 * SESSION_MS)
    const looks = 48 * 3
    const more = group.members.filter(({ table }, i) => table.counts.list - before[i]! > looks * 1.02 + 1)
    expect(more.length).toBeLessThanOrEqual(1)
  })

  it('is done for each topic, also where its readers read nothing else', async () => {
    const topics = ['orders', 'bills']
    group.streams.create('bills', 1)
    for (const topic of topics) await group.join({ topics: [topic] })
    await group.clock.advance(SESSION_MS)
    for (const [i, topic] of topics.entries()) {
      const member = group.members[i]!
      const [a, b] = group.streams.split(topic, shardId(0))
      await member.checkpoint(member.assignment(shardId(0), topic), '9/0', { ended: true })
      await round()
      for (const id of [a!, b!]) await member.checkpoint(member.assignment(id, topic), '5/0')
    }
    await group.clock.advance(30 * SESSION_MS)
    expect((await leased()).filter((shard) => shard === shardId(0))).toEqual([])
  })

  it('does away with the leases of a stream that was deleted and made again under the same name', async () => {
    const member = await group.join()
    await settled()
    await member.checkpoint(member.assignment(shardId(0)), '12345/0')
    await member.inner.leave()
    group.streams.delete('orders')
    group.streams.create('orders', 2, 1_800_000_000)
    const next = await group.join()
    await group.clock.advance(SESSION_MS)
    expect(next.shards).toEqual([0, 1])
    expect(next.assignment(shardId(0)).checkpoint).toBe('TRIM_HORIZON')
  })
})

describe('many shards', () => {
  it('more than one answer of the service lists are shared, passed on and kept', async () => {
    group.streams.create('orders', 1_200)
    await group.join()
    await group.clock.advance(SESSION_MS)
    expect(group.shares[0]).toHaveLength(1_200)
    await group.join()
    await group.clock.advance(8 * SESSION_MS)
    expect(group.shares.map(({ length }) => length)).toEqual([600, 600])
    expect(group.happenings.filter(({ what }) => what === 'lost')).toEqual([])
  }, 60_000)
})
