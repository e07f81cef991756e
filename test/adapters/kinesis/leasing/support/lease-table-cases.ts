import { describe, expect, it } from 'vitest'
import { type Lease, newLease } from '../../../../../adapters/kinesis/leasing/lease.ts'
import type { LeaseTable } from '../../../../../adapters/kinesis/leasing/tables/lease-table.ts'

const ME = 'me-1'
const OTHER = 'other-2'

export const aLease = (fields: Partial<Lease> = {}): Lease =>
  newLease({
    key: 'shardId-000000000000',
    shard: 'shardId-000000000000',
    stream: '000000000000:orders:1700000000',
    group: 'g',
    checkpoint: { kind: 'earliest' },
    parents: [],
    hashRange: { from: '0', to: '340282366920938463463374607431768211455' },
    ...fields,
  })

/** What holds of every store of leases. `open`: a table of its own, which is there. */
export function leaseTableCases(name: string, open: () => Promise<LeaseTable>): void {
  describe(`${name}: a lease table`, () => {
    it('gives back what was created, and creates a row once', async () => {
      const table = await open()
      const lease = aLease({
        parents: ['shardId-000000000007', 'shardId-000000000008'],
        children: ['shardId-000000000009'],
        checkpoint: { kind: 'after', sequence: '4964', sub: 3, arrival: 1_700_000_000_123 },
        state: Buffer.from([0, 255, 1]),
        firstSight: { timestamp: 5 },
      })
      expect(await table.get(lease.key)).toBeUndefined()
      expect(await table.create(lease)).toBe(true)
      expect(await table.create(aLease({ checkpoint: { kind: 'end' } }))).toBe(false)
      const [there] = await table.list({ consistent: true })
      expect(normal(there!)).toEqual(normal(lease))
      expect(normal((await table.get(lease.key))!)).toEqual(normal(lease))
    })

    it.each([
      { kind: 'earliest' },
      { kind: 'latest' },
      { kind: 'latest', since: 17 },
      { kind: 'time', timestamp: 1_700_000_000_000 },
      { kind: 'after', sequence: '12', sub: -1, arrival: undefined },
      { kind: 'after', sequence: '12', sub: 999_999_999, arrival: undefined },
      { kind: 'end' },
    ] as const)('keeps the checkpoint %o', async (checkpoint) => {
      const table = await open()
      const lease = aLease()
      await table.create(lease)
      expect(await table.update(lease, { counter: 0 }, { counter: 1, checkpoint })).toMatchObject({
        done: true,
      })
      expect((await table.get(lease.key))?.checkpoint).toEqual(checkpoint)
    })

    it('updates only the row that it is told to expect, and says what stands there', async () => {
      const table = await open()
      const lease = aLease()
      await table.create(lease)
      const taken = await table.update(
        lease,
        { counter: 0, owner: null, checkpointOwner: null },
        { counter: 1, owner: ME, sessionMs: 700, switched: true },
      )
      expect(taken).toMatchObject({
        done: true,
        lease: { owner: ME, counter: 1, sessionMs: 700, switches: 1 },
      })
      for (const condition of [
        { counter: 0 },
        { owner: OTHER },
        { owner: null },
        { checkpointOwner: OTHER },
        { worker: OTHER },
      ]) {
        const refused = await table.update(lease, condition, { counter: 9 })
        expect(refused).toMatchObject({ done: false, lease: { owner: ME, counter: 1, sessionMs: 700 } })
      }
      expect(await table.update(aLease({ key: 'none', shard: 'none' }), {}, { counter: 1 })).toEqual({
        done: false,
        lease: undefined,
      })
      expect(await table.get('none')).toBeUndefined()
    })

    it('passes a lease on: promised, worked on, given', async () => {
      const table = await open()
      const lease = aLease({ owner: ME, counter: 4 })
      await table.create(lease)
      await table.update(lease, { counter: 4 }, { counter: 5, owner: ME, sessionMs: 700 })
      await table.update(lease, { owner: ME, checkpointOwner: null }, { owner: OTHER, checkpointOwner: ME })
      // Still of who works on it.
      expect(await table.get(lease.key)).toMatchObject({
        owner: OTHER,
        checkpointOwner: ME,
        counter: 5,
        sessionMs: 700,
      })
      const asHolder = await table.update(lease, { counter: 5, worker: ME }, { counter: 6 })
      expect(asHolder.done).toBe(true)
      expect((await table.update(lease, { worker: OTHER }, { counter: 7 })).done).toBe(false)
      await table.update(
        lease,
        { owner: OTHER, checkpointOwner: ME },
        { counter: 7, owner: OTHER, checkpointOwner: null },
      )
      const given = await table.get(lease.key)
      expect(given).toMatchObject({ owner: OTHER, checkpointOwner: undefined, counter: 7 })
      // What its former worker said of itself does not bind the next.
      expect(given?.sessionMs).toBeUndefined()
    })

    it('stores a checkpoint, its state and children in one', async () => {
      const table = await open()
      const lease = aLease({ switches: 3, owner: ME })
      await table.create(lease)
      const state = Buffer.from('parked')
      await table.update(
        lease,
        { counter: 0, worker: ME },
        { counter: 1, checkpoint: { kind: 'end' }, state, children: ['a', 'b'], owner: null },
      )
      const ended = (await table.get(lease.key))!
      expect(ended).toMatchObject({ checkpoint: { kind: 'end' }, switches: 0, owner: undefined })
      expect(Buffer.from(ended.state!).toString()).toBe('parked')
      expect([...ended.children].sort()).toEqual(['a', 'b'])
      await table.update(lease, {}, { counter: 2, state: null })
      expect((await table.get(lease.key))?.state).toBeNull()
    })

    it('tells of members that hold nothing, on a row that others write', async () => {
      const table = await open()
      const lease = aLease({ firstSight: 'earliest' })
      await table.create(lease)
      await table.announce(lease.key, ME, 'one')
      await table.update(lease, {}, { counter: 1, owner: OTHER })
      await table.announce(lease.key, 'third', 'three')
      await table.announce(lease.key, ME, 'two')
      expect(await table.get(lease.key)).toMatchObject({
        owner: OTHER,
        counter: 1,
        firstSight: 'earliest',
        idle: { [ME]: 'two', third: 'three' },
      })
      await table.announce(lease.key, 'third', null)
      await table.update(lease, {}, { firstSightDone: true })
      const after = (await table.get(lease.key))!
      expect(after.idle).toEqual({ [ME]: 'two' })
      expect(after.firstSight).toBeUndefined()
      await table.announce('none', ME, 'nothing is made of it')
      expect(await table.get('none')).toBeUndefined()
    })

    it('deletes a row, on condition where there is one, and all of them', async () => {
      const table = await open()
      await table.create(aLease())
      await table.create(aLease({ key: 'b', shard: 'b' }))
      await table.delete('b', { counter: 5 })
      expect(await table.list({ consistent: true })).toHaveLength(2)
      await table.delete('b', { counter: 0 })
      await table.delete('b')
      expect(await table.list({ consistent: true })).toHaveLength(1)
      await table.destroy()
      await table.prepare()
      expect(await table.list({ consistent: true })).toEqual([])
    })

    it('gives a row to one of many', async () => {
      const table = await open()
      const lease = aLease()
      await table.create(lease)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          table.update(lease, { counter: 0 }, { counter: 1, owner: `member-${i}`, sessionMs: 500 }),
        ),
      )
      const winner = outcomes.findIndex(({ done }) => done)
      expect(outcomes.filter(({ done }) => done)).toHaveLength(1)
      expect((await table.get(lease.key))?.owner).toBe(`member-${winner}`)
    })

    it('lists more than fit into one answer', async () => {
      const table = await open()
      // DynamoDB answers by the megabyte.
      const state = Buffer.alloc(60_000, 7)
      const keys = Array.from({ length: 24 }, (_, i) => `shardId-${String(i).padStart(12, '0')}`)
      for (let i = 0; i < keys.length; i += 4) {
        await Promise.all(keys.slice(i, i + 4).map((key) => table.create(aLease({ key, shard: key, state }))))
      }
      const listed = await table.list({ consistent: true })
      expect(listed.map(({ key }) => key).sort()).toEqual(keys)
    })
  })
}

/** Sets have no order. */
const normal = (lease: Lease): unknown => ({
  ...lease,
  parents: [...lease.parents].sort(),
  children: [...lease.children].sort(),
  state: lease.state && Buffer.from(lease.state).toString('hex'),
})
