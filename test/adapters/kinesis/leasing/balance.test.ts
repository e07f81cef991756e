import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planTakes, type Standing } from '../../../../adapters/kinesis/leasing/balance.ts'
import { type Lease, newLease } from '../../../../adapters/kinesis/leasing/lease.ts'
import type { SeenLease } from '../../../../adapters/kinesis/leasing/lease-view.ts'
import { seededRandom } from '../../../support/aws-faults/random.ts'

const lease = (n: number, owner?: string): Lease => {
  const key = String(n).padStart(4, '0')
  return newLease({
    key,
    shard: key,
    stream: undefined,
    group: 'g',
    checkpoint: { kind: 'earliest' },
    parents: [],
    owner,
  })
}

const seen = (of: Lease, fields: Partial<SeenLease> = {}): SeenLease => ({
  lease: of,
  unchangedMs: 0,
  expiresInMs: undefined,
  promisedMs: 0,
  available: of.owner === undefined,
  freeMs: 0,
  ...fields,
})

const standing = (me: string, leases: readonly SeenLease[], fields: Partial<Standing> = {}): Standing => ({
  me,
  leases,
  idle: [],
  refused: new Set(),
  patienceMs: 500,
  promiseMs: 5_000,
  random: () => 0.5,
  ...fields,
})

const keys = (leases: readonly Lease[]): string[] => leases.map(({ key }) => key).sort()

describe('what a member takes', () => {
  it('is all that is free where nobody else is there', () => {
    const plan = planTakes(standing('a', [seen(lease(0)), seen(lease(1)), seen(lease(2, 'a'))]))
    expect(keys(plan.take)).toEqual(['0000', '0001'])
  })

  it('is its share where others are, whether they have leases or not', () => {
    const free = Array.from({ length: 9 }, (_, i) => seen(lease(i)))
    expect(planTakes(standing('a', free, { idle: ['b', 'c'] })).take).toHaveLength(3)
    const some = [...free.slice(0, 6), ...[6, 7, 8].map((i) => seen(lease(i, 'b')))]
    const plan = planTakes(standing('a', some))
    expect(plan.take).toHaveLength(5)
    expect(plan.unsettled).toBe(true)
  })

  it('is more than its share of what nobody took for long', () => {
    const leases = [seen(lease(0, 'a')), seen(lease(1, 'b')), seen(lease(2), { freeMs: 600 }), seen(lease(3))]
    expect(keys(planTakes(standing('a', [...leases, seen(lease(4, 'b'))])).take)).toContain('0002')
    const mine = [0, 1, 2].map((i) => seen(lease(i, 'a')))
    const other = seen(lease(9, 'b'))
    expect(planTakes(standing('a', [...mine, other, seen(lease(5), { freeMs: 100 })])).take).toEqual([])
    expect(keys(planTakes(standing('a', [...mine, other, seen(lease(5), { freeMs: 600 })])).take)).toEqual([
      '0005',
    ])
  })

  it('is nothing that it gave up', () => {
    const leases = [seen(lease(0), { freeMs: 9_999 }), seen(lease(1, 'b')), seen(lease(2, 'b'))]
    const plan = planTakes(standing('a', leases, { refused: new Set(['0000', '0001']) }))
    expect(plan.take).toEqual([])
    expect(keys(plan.ask)).not.toContain('0001')
  })
})

describe('what a member asks for', () => {
  it('is half of what it is short of, of the one with the most, the first by key', () => {
    const leases = [
      ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => seen(lease(i, 'b'))),
      ...[8, 9].map((i) => seen(lease(i, 'c'))),
    ]
    const plan = planTakes(standing('a', leases))
    expect(keys(plan.ask)).toEqual(['0000', '0001'])
    expect(plan.take).toEqual([])
  })

  it('is nothing while something is free, or promised to it', () => {
    const busy = [0, 1, 2, 3].map((i) => seen(lease(i, 'b')))
    expect(planTakes(standing('a', [...busy, seen(lease(4))])).ask).toEqual([])
    const promised = seen({ ...lease(4, 'a'), checkpointOwner: 'b' })
    const waiting = planTakes(standing('a', [...busy, promised]))
    expect(waiting.ask).toEqual([])
    expect(waiting.unsettled).toBe(true)
  })

  it('comes by force when the promise is not kept in time', () => {
    const late = seen({ ...lease(4, 'a'), checkpointOwner: 'b' }, { promisedMs: 5_001 })
    expect(keys(planTakes(standing('a', [late, seen(lease(0, 'b'))])).take)).toEqual(['0004'])
  })

  it('is nothing where the spread is even', () => {
    const even = [0, 1, 2].map((i) => seen(lease(i, 'a')))
    const others = [3, 4].map((i) => seen(lease(i, 'b')))
    expect(planTakes(standing('b', [...even, ...others])).ask).toEqual([])
    expect(planTakes(standing('a', [...even, ...others])).unsettled).toBe(false)
  })
})

describe('a group of any size', () => {
  /** Everybody looks and acts in turn; what is asked for is given at once. */
  const rounds = (owners: Map<number, string>, members: readonly string[], random: () => number): number => {
    for (let round = 1; ; round++) {
      let moved = false
      for (const me of members) {
        const leases = [...owners].map(([n, owner]) => seen(lease(n, owner === '' ? undefined : owner)))
        const idle = members.filter((member) => ![...owners.values()].includes(member))
        const { take, ask } = planTakes(standing(me, leases, { idle, random }))
        for (const { key } of [...take, ...ask]) {
          owners.set(Number(key), me)
          moved = true
        }
      }
      if (!moved) return round
      if (round > 60) throw new Error('it does not come to rest')
    }
  }

  it('comes to an even spread and to rest, from wherever it begins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 1, max: 12 }),
        fc.infiniteStream(fc.nat(14)),
        fc.nat(1_000),
        (shards, count, begin, seed) => {
          const members = Array.from({ length: count }, (_, i) => `m${i}`)
          const owners = new Map(
            Array.from({ length: shards }, (_, n) => {
              const at = begin.next().value as number
              return [n, members[at] ?? ''] as const
            }),
          )
          const took = rounds(owners, members, seededRandom(seed))
          const counts = members.map((me) => [...owners.values()].filter((owner) => owner === me).length)
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
          // Halves of what is missing: as many rounds as the number has digits, and a few.
          expect(took).toBeLessThanOrEqual(4 + 2 * Math.ceil(Math.log2(shards + 2)))
        },
      ),
      { numRuns: 300 },
    )
  })
})
