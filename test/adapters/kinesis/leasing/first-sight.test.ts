import { beforeEach, describe, expect, it } from 'vitest'
import type { Lease } from '../../../../adapters/kinesis/leasing/lease.ts'
import { shardId } from './support/fake-streams.ts'
import { settled } from './support/manual-clock.ts'
import { SESSION_MS, TestGroup } from './support/test-group.ts'

let group: TestGroup
beforeEach(async () => {
  group = await TestGroup.open()
})

describe('the first sight of a topic', () => {
  it('stores where all its shards begin, before anything is read, and never again', async () => {
    group.streams.create('orders', 3)
    const first = await group.join({ from: 'latest' })
    const at = (await group.leases()).map(({ checkpoint }) => checkpoint)
    expect(at).toEqual([group.tip, group.tip, group.tip])
    expect((await group.leases()).every(({ firstSight }) => firstSight === undefined)).toBe(true)
    await first.inner.leave()
    group.tip = { kind: 'after', sequence: '999', sub: 0, arrival: 2 }
    const second = await group.join({ from: 'latest' })
    await settled()
    expect(second.assignment(shardId(0)).checkpoint).toBe('77/0@1')
    expect(group.started).toHaveLength(3)
  })

  it('is the same for members that come at once', async () => {
    group.streams.create('orders', 5)
    await Promise.all([
      group.join({ from: 'earliest' }),
      group.join({ from: 'latest' }),
      group.join({ from: { timestamp: 5 } }),
    ])
    const kinds = new Set((await group.leases()).map(({ checkpoint }) => checkpoint.kind))
    expect(kinds.size).toBe(1)
    expect(await group.leases()).toHaveLength(5)
  })

  it('is finished by another member in the way it was begun when the first dies in the middle', async () => {
    group.streams.create('orders', 4)
    const member = await group.join({ from: 'latest' })
    await member.inner.stop()
    // As it looks when only two of four were created.
    const [one, two, three, four] = (await group.leases()) as [Lease, Lease, Lease, Lease]
    for (const { key } of [three, four, one]) await group.table.delete(key)
    await group.table.create({ ...one, firstSight: 'latest' })
    group.tip = { kind: 'after', sequence: '80', sub: 0, arrival: 3 }
    const heir = await group.join({ from: 'earliest' })
    await group.clock.advance(SESSION_MS)
    expect(heir.shards).toEqual([0, 1, 2, 3])
    expect(heir.assignment(shardId(1)).checkpoint).toBe('77/0@1')
    expect(heir.assignment(shardId(3)).checkpoint).toBe('80/0@3')
    expect(two.firstSight).toBeUndefined()
  })

  it('of a topic that the group did not read before begins there, while the others go on', async () => {
    group.streams.create('orders', 1)
    group.streams.create('bills', 1)
    const first = await group.join()
    await settled()
    await first.checkpoint(first.assignment(shardId(0)), '5/0')
    await first.inner.leave()
    const second = await group.join({ topics: ['orders', 'bills'], from: 'latest' })
    await group.clock.advance(SESSION_MS)
    expect(second.assignment(shardId(0)).checkpoint).toBe('5/0')
    expect(second.assignment(shardId(0), 'bills').checkpoint).toBe('77/0@1')
  })

  it('refuses a position where there is more than one shard', async () => {
    group.streams.create('orders', 2)
    await expect(group.join({ from: { at: '123' } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await group.leases()).toEqual([])
  })

  it('rejects NOT_FOUND for a topic that is not there', async () => {
    await expect(group.join()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it("refuses a table that is another group's", async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await member.inner.leave()
    const other = await TestGroup.open(group.table)
    other.streams.create('orders', 1)
    Object.assign(other, { name: 'somebody-else' })
    await expect(other.join()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('the names of leases', () => {
  const keys = async (): Promise<string[]> => (await group.leases()).map(({ key }) => key)

  it('are bare shard ids in a group of one topic', async () => {
    group.streams.create('orders', 2)
    await group.join()
    expect(await keys()).toEqual([shardId(0), shardId(1)])
  })

  it("are KCL's multi-stream keys in a group of several", async () => {
    group.streams.create('orders', 1)
    group.streams.create('bills', 1)
    const member = await group.join({ topics: ['orders', 'bills'] })
    await settled()
    expect(await keys()).toEqual([
      `000000000000:bills:1700000000:${shardId(0)}`,
      `000000000000:orders:1700000000:${shardId(0)}`,
    ])
    expect(member.held.size).toBe(2)
  })

  it('are told apart when members of one group read different topics', async () => {
    for (const topic of ['orders', 'bills', 'notes']) group.streams.create(topic, 2)
    await Promise.all([
      group.join({ topics: ['orders'] }),
      group.join({ topics: ['bills'] }),
      group.join({ topics: ['notes', 'orders'] }),
    ])
    await group.clock.advance(6 * SESSION_MS)
    const held = group.members.flatMap((member) => [...member.held.keys()])
    expect(held.sort()).toEqual(
      ['bills', 'notes', 'orders'].flatMap((topic) => [0, 1].map((n) => `${topic}/${shardId(n)}`)),
    )
    expect([...group.members[0]!.held.keys()].every((key) => key.startsWith('orders/'))).toBe(true)
    expect([...group.members[1]!.held.keys()].every((key) => key.startsWith('bills/'))).toBe(true)
  })
})

describe("beside KCL's rows", () => {
  it('a member goes on where KCL stopped', async () => {
    group.streams.create('orders', 2)
    await group.kclLease(shardId(0), {
      checkpoint: { kind: 'after', sequence: '4964', sub: 3, arrival: undefined },
      counter: 40,
      owner: 'kcl-worker',
    })
    await group.kclLease(shardId(1), { checkpoint: { kind: 'latest' }, counter: 7 })
    const member = await group.join({ from: 'earliest' })
    await settled()
    // Nobody says that KCL's worker is dead before it has been silent for a session.
    expect(member.shards).toEqual([1])
    await group.clock.advance(3 * SESSION_MS)
    expect(member.shards).toEqual([0, 1])
    expect(member.assignment(shardId(0)).checkpoint).toBe('4964/3')
    expect(group.started).toEqual([])
  })

  it('a live worker of KCL 3 is asked, and gives when it has drained', async () => {
    group.streams.create('orders', 2)
    for (const shard of [0, 1]) await group.kclLease(shardId(shard), { counter: 1, owner: 'kcl' })
    const beat = async (): Promise<void> => {
      for (const lease of await group.leases()) {
        const worker = lease.checkpointOwner ?? lease.owner
        if (worker === 'kcl') await group.table.update(lease, {}, { counter: lease.counter + 1 })
      }
      await group.clock.advance(SESSION_MS / 4)
    }
    const member = await group.join()
    for (let i = 0; i < 8; i++) await beat()
    const asked = await group.lease(shardId(0))
    expect(asked).toMatchObject({ owner: member.inner.memberId, checkpointOwner: 'kcl' })
    expect(member.shards).toEqual([])
    // attemptLeaseTransfer of KCL 3: given to whom it is for.
    await group.table.update(
      asked,
      { owner: member.inner.memberId, checkpointOwner: 'kcl' },
      { counter: asked.counter + 1, owner: member.inner.memberId, checkpointOwner: null },
    )
    for (let i = 0; i < 4; i++) await beat()
    expect(member.shards).toEqual([0])
    expect((await group.lease(shardId(1))).owner).toBe('kcl')
  })

  it('a leader of KCL 3 asks a member, which drains and gives', async () => {
    group.streams.create('orders', 2)
    const member = await group.join()
    await settled()
    const lease = await group.lease(shardId(1))
    await group.table.update(
      lease,
      { owner: member.inner.memberId, checkpointOwner: null },
      { owner: 'kcl', checkpointOwner: member.inner.memberId },
    )
    await group.clock.advance(SESSION_MS / 2)
    expect(member.shards).toEqual([0])
    const given = await group.lease(shardId(1))
    expect(given).toMatchObject({ owner: 'kcl', checkpointOwner: undefined })
    expect(given.counter).toBeGreaterThan(lease.counter)
  })

  it('a worker of KCL 2 that takes a lease has it: the member finds out and stops', async () => {
    group.streams.create('orders', 1)
    const member = await group.join()
    await settled()
    const held = member.assignment(shardId(0))
    const lease = await group.lease(shardId(0))
    await group.table.update(
      lease,
      { counter: lease.counter },
      { counter: lease.counter + 1, owner: 'kcl', checkpointOwner: null, switched: true },
    )
    expect((await member.checkpoint(held, '9/0'))?.code).toBe('FENCED')
    expect(member.shards).toEqual([])
    expect((await group.lease(shardId(0))).checkpoint.kind).toBe('earliest')
  })

  it('members of several topics do not guess whose bare shard ids are', async () => {
    group.streams.create('orders', 1)
    group.streams.create('bills', 1)
    await group.kclLease(shardId(0))
    await expect(group.join({ topics: ['orders', 'bills'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
