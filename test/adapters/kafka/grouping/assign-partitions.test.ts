import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import {
  assignPartitions,
  type Candidate,
  keyOf,
} from '../../../../adapters/kafka/grouping/assign-partitions.ts'
import type { TopicPartition } from '../../../../adapters/kafka/wire/protocol/by-topic.ts'

const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))

function member(memberId: string, more: Partial<Candidate['subscription']> = {}): Candidate {
  const subscription = { topics: ['t'], owned: [], generation: -1, refused: [], incarnation: 0, ...more }
  return { memberId, subscription }
}

const sizes = (shares: ReadonlyMap<string, readonly TopicPartition[]>): Record<string, number> =>
  Object.fromEntries(Array.from(shares, ([id, share]) => [id, share.length]))

describe('dealing partitions out', () => {
  test('gives all to one, and even shares to several', () => {
    assert.deepEqual(sizes(assignPartitions([member('a')], partitionsOf('t', 5))), { a: 5 })
    const shares = assignPartitions([member('a'), member('b'), member('c')], partitionsOf('t', 7))
    assert.deepEqual(Object.values(sizes(shares)).sort(), [2, 2, 3])
  })

  test('takes from who has more, and gives it only when its owner has let go', () => {
    const all = partitionsOf('t', 4)
    const first = assignPartitions([member('a', { owned: all, generation: 1 }), member('b')], all)
    assert.deepEqual(sizes(first), { a: 2, b: 0 })
    const kept = first.get('a')!
    const second = assignPartitions(
      [member('a', { owned: kept, generation: 2 }), member('b', { generation: 2 })],
      all,
    )
    assert.deepEqual(second.get('a'), kept)
    assert.equal(second.get('b')!.length, 2)
  })

  test('does not give what is refused, though nobody else takes it', () => {
    const all = partitionsOf('t', 2)
    const refused = [all[0]!]
    assert.deepEqual(assignPartitions([member('a', { refused })], all).get('a'), [all[1]])
    const shares = assignPartitions([member('a', { refused, owned: [all[1]!] }), member('b')], all)
    assert.deepEqual(shares.get('b'), [all[0]])
  })

  test('of two claims believes the newer generation', () => {
    const all = partitionsOf('t', 1)
    const shares = assignPartitions(
      [member('a', { owned: all, generation: 3 }), member('b', { owned: all, generation: 5 })],
      all,
    )
    assert.deepEqual(sizes(shares), { a: 0, b: 1 })
  })

  test('keeps what one that leaves still drains from all others', () => {
    const all = partitionsOf('t', 2)
    const leaving = member('a', { topics: [], owned: all, generation: 1 })
    assert.deepEqual(sizes(assignPartitions([leaving, member('b')], all)), { a: 0, b: 0 })
  })

  test('any history: one owner each, nothing taken from an owner unasked, and soon all are dealt out evenly', () => {
    const history = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 13 }), (rounds, count) => {
        const all = partitionsOf('t', count)
        const owned = new Map<string, TopicPartition[]>()
        let generation = 0
        for (const round of rounds) {
          const live = [...new Set(round)].map(String)
          for (const id of [...owned.keys()]) if (!live.includes(id)) owned.delete(id)
          // Two rebalances a round: the second gives what the first took back.
          for (let step = 0; step < 2; step++) {
            generation++
            const members = live.map((id) =>
              member(id, { owned: owned.get(id) ?? [], generation: generation - 1 }),
            )
            const shares = assignPartitions(members, all)
            const given = [...shares.values()].flat().map(keyOf)
            assert.equal(new Set(given).size, given.length)
            for (const [id, share] of shares) {
              for (const partition of share) {
                const owner = live.find((other) =>
                  owned.get(other)?.some((it) => keyOf(it) === keyOf(partition)),
                )
                assert.ok(owner === undefined || owner === id, 'given away while it was owned')
              }
            }
            for (const id of live) owned.set(id, shares.get(id)!)
          }
          const counts = live.map((id) => owned.get(id)!.length)
          assert.equal(
            counts.reduce((a, b) => a + b, 0),
            count,
          )
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`)
        }
      }),
      { numRuns: 300 },
    )
  })
})
