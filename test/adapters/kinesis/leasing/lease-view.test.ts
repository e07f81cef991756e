import { describe, expect, it } from 'vitest'
import { type Lease, newLease } from '../../../../adapters/kinesis/leasing/lease.ts'
import { announcement, LeaseView } from '../../../../adapters/kinesis/leasing/lease-view.ts'

const lease = (fields: Partial<Lease> = {}): Lease =>
  newLease({
    key: 'k',
    shard: 'k',
    stream: undefined,
    group: 'g',
    checkpoint: { kind: 'earliest' },
    parents: [],
    owner: 'w',
    ...fields,
  })

const SESSION = 1_000

describe('an observer of leases', () => {
  it('holds one for dead when its counter has not changed for longer than a session', () => {
    const view = new LeaseView(SESSION)
    const look = (counter: number, askedAt: number, answeredAt = askedAt): boolean => {
      view.update([lease({ counter })], askedAt, answeredAt)
      return view.leases[0]!.available
    }
    expect(look(1, 0)).toBe(false)
    expect(look(1, 1_000)).toBe(false)
    expect(look(1, 1_001)).toBe(true)
    expect(look(2, 1_300)).toBe(false)
    expect(look(2, 2_301)).toBe(true)
  })

  it('counts only from the first answer to the last question, so that its own delays prove nothing', () => {
    const view = new LeaseView(SESSION)
    // The first answer came late, and then the process stood still: nothing is known of the time in between.
    view.update([lease({ counter: 1 })], 0, 5_000)
    view.update([lease({ counter: 1 })], 5_500, 60_000)
    expect(view.leases[0]).toMatchObject({ available: false, unchangedMs: 500 })
    view.update([lease({ counter: 1 })], 60_100, 60_100)
    expect(view.leases[0]!.available).toBe(true)
  })

  it("waits as long as the worker itself says, be it KCL's or a slower one", () => {
    const view = new LeaseView(SESSION)
    for (const at of [0, 1_500]) view.update([lease({ sessionMs: 10_000 })], at, at)
    expect(view.leases[0]!.available).toBe(false)
    view.update([lease({ sessionMs: 10_000 })], 10_001, 10_001)
    expect(view.leases[0]).toMatchObject({ available: true, freeMs: 1 })
  })

  it('takes what is nobody’s as free at once', () => {
    const view = new LeaseView(SESSION)
    view.update([lease({ owner: undefined })], 0, 0)
    expect(view.leases[0]).toMatchObject({ available: true, freeMs: 0 })
    view.update([lease({ owner: undefined })], 700, 700)
    expect(view.leases[0]).toMatchObject({ available: true, freeMs: 700 })
  })

  it('measures a promise from when it was made to the one it was made to', () => {
    const view = new LeaseView(SESSION)
    const promised = (counter: number, owner: string): Lease =>
      lease({ counter, owner, checkpointOwner: 'w' })
    view.update([lease({ counter: 1 })], 0, 0)
    view.update([promised(1, 'a')], 300, 300)
    view.update([promised(2, 'a')], 900, 900)
    expect(view.leases[0]).toMatchObject({ promisedMs: 600, unchangedMs: 0, available: false })
    view.update([promised(3, 'b')], 1_000, 1_000)
    expect(view.leases[0]!.promisedMs).toBe(0)
    view.update([lease({ counter: 4 })], 1_100, 1_100)
    expect(view.leases[0]!.promisedMs).toBe(0)
  })

  it('knows members without a lease as long as they say something new', () => {
    const view = new LeaseView(SESSION)
    const told = (beat: number): Lease => lease({ idle: { m: announcement(beat, 400, ['t']), odd: 'x' } })
    view.update([told(1)], 0, 0)
    view.update([told(2)], 500, 500)
    view.update([told(2)], 900, 900)
    expect(view.idle).toMatchObject([
      { id: 'm', topics: ['t'], row: 'k', alive: true },
      { id: 'odd', alive: false },
    ])
    view.update([told(2)], 901, 901)
    expect(view.idle[0]!.alive).toBe(false)
  })
})
