import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'vitest'
import type { OracleFact } from '../conformance/oracle/events.ts'
import { Oracle } from '../conformance/oracle/oracle.ts'
import type { Terms, Violation } from '../conformance/oracle/violation.ts'

const group = 'g'
const topic = 't'
const partition = '0'
const complete = [{ group, topic }]

let oracle: Oracle
let clock: number

beforeEach(() => {
  clock = 0
  oracle = new Oracle((a, b) => Number(a) - Number(b))
})

/** One event a microsecond. */
function happens(...facts: OracleFact[]): void {
  for (const fact of facts) {
    const at = ++clock
    oracle.adopt(fact.type === 'checkpointed' ? { at, ...fact, requestedAt: at } : { at, ...fact })
  }
}

const id = (seq: number, key = 'k') => ({ producer: 'p', key, seq })
const at = (seq: number) => ({ topic, partition, position: String(seq * 10) })
const sent = (seq: number): OracleFact => ({ type: 'acknowledged', ...at(seq), ...id(seq) })
const stands = (seq: number): OracleFact => ({ type: 'stands', ...at(seq), ...id(seq) })
const given = (seq: number, member = 'a'): OracleFact => ({
  type: 'delivered',
  group,
  member,
  ...at(seq),
  ...id(seq),
})
const failed = (seq: number, member = 'a'): OracleFact => ({ type: 'failed', group, member, ...at(seq) })
const owned = (
  type: 'assigned' | 'revoked' | 'released' | 'lost',
  member: string,
  epoch: number,
): OracleFact => ({ type, group, member, topic, partition, epoch })
const checkpoint = (seq: number, member: string, epoch: number): OracleFact => ({
  type: 'checkpointed',
  group,
  member,
  topic,
  partition,
  epoch,
  covers: String(seq * 10),
  requestedAt: 0,
})

function kinds(terms: Terms = {}): Violation['kind'][] {
  return oracle.judge(terms).violations.map(({ kind }) => kind)
}

describe('the oracle', () => {
  test('has nothing to say of a clean history, and counts what came again behind the checkpoint', () => {
    happens(sent(1), sent(2), sent(3), stands(1), stands(2), stands(3))
    happens(owned('assigned', 'a', 1), given(1), given(2), checkpoint(1, 'a', 1), owned('lost', 'a', 1))
    happens(owned('assigned', 'b', 2), given(2, 'b'), given(3, 'b'), checkpoint(3, 'b', 2))
    assert.deepEqual(oracle.judge({ complete }), { violations: [], redelivered: 1, doubled: 0 })
  })

  test('names a loss', () => {
    happens(sent(1), sent(2), owned('assigned', 'a', 1), given(2))
    assert.deepEqual(kinds({ complete }), ['loss'])
    assert.match(oracle.judge({ complete }).violations[0]!.text, /p\/k#1.*t\/0@10.*group g/)
    assert.deepEqual(kinds(), [], 'unless the group need not have had it')
  })

  test('names a duplicate that a checkpoint forbids', () => {
    happens(owned('assigned', 'a', 1), given(1), given(2), checkpoint(2, 'a', 1), owned('lost', 'a', 1))
    happens(owned('assigned', 'b', 2), given(2, 'b'))
    assert.deepEqual(kinds(), ['duplicate'])
  })

  test('lets a seek bring back what checkpoints covered', () => {
    happens(owned('assigned', 'a', 1), given(1), checkpoint(1, 'a', 1))
    happens({ type: 'sought', group, topic, partition: null, startedAt: clock + 1 }, given(1))
    assert.deepEqual(kinds(), [])
    happens(checkpoint(1, 'a', 1), owned('lost', 'a', 1), owned('assigned', 'b', 2), given(1, 'b'))
    assert.deepEqual(kinds(), ['duplicate'], 'once')
  })

  test('names a record given twice under one assignment, unless it had failed', () => {
    happens(owned('assigned', 'a', 1), given(1), failed(1), given(1))
    assert.deepEqual(kinds(), [])
    happens(given(1))
    assert.deepEqual(kinds(), ['duplicate'])
  })

  test('holds a stopped former owner to nothing that its successor did, where that is said', () => {
    happens(owned('assigned', 'a', 1), given(1), owned('assigned', 'b', 2), given(1, 'b'), given(2, 'b'))
    happens(checkpoint(2, 'b', 2), given(2, 'a'))
    assert.deepEqual(kinds({ zombies: true, forced: true }), [])
    assert.deepEqual(kinds({ forced: true }), ['duplicate'])
  })

  test('names inversions in the log, within an assignment and over all first deliveries', () => {
    happens(stands(2), stands(1))
    assert.deepEqual(kinds(), ['inversion'])
    oracle = new Oracle((a, b) => Number(a) - Number(b))
    happens(owned('assigned', 'a', 1), given(2), given(1))
    assert.deepEqual(kinds(), ['inversion', 'inversion'])
    oracle = new Oracle((a, b) => Number(a) - Number(b))
    happens(
      owned('assigned', 'a', 1),
      given(2),
      owned('lost', 'a', 1),
      owned('assigned', 'b', 2),
      given(1, 'b'),
    )
    assert.deepEqual(kinds(), ['inversion'])
  })

  test('takes a redelivery from the checkpoint on for no inversion', () => {
    happens(owned('assigned', 'a', 1), given(1), given(2), given(3), owned('lost', 'a', 1))
    happens(owned('assigned', 'b', 2), given(1, 'b'), given(2, 'b'), given(3, 'b'), given(4, 'b'))
    assert.deepEqual(kinds(), [])
  })

  test('judges order over partitions only where there is lineage', () => {
    happens({ type: 'stands', ...at(2), ...id(2) }, { type: 'stands', ...at(1), partition: '1', ...id(1) })
    assert.deepEqual(kinds(), ['inversion'])
    assert.deepEqual(kinds({ orderAcrossPartitions: false }), [])
  })

  test('names an acknowledged record that does not stand at its position, and one that stands twice', () => {
    happens(sent(1), sent(2), stands(1))
    assert.deepEqual(kinds(), ['misplaced'])
    happens(stands(2), { type: 'stands', topic, partition, position: '99', ...id(2) })
    assert.deepEqual(kinds(), ['doubled'])
    assert.deepEqual(oracle.judge({ idempotent: false }), { violations: [], redelivered: 0, doubled: 1 })
  })

  test('takes doubles for no inversion of whom began between them, where those are allowed', () => {
    const doubled = (seq: number, place: number, member: string): OracleFact => ({
      type: 'delivered',
      group,
      member,
      ...at(place),
      ...id(seq),
    })
    happens(owned('assigned', 'a', 1), given(1), given(2), owned('lost', 'a', 1))
    happens(owned('assigned', 'b', 2), given(3, 'b'), doubled(1, 4, 'b'), doubled(2, 5, 'b'))
    assert.deepEqual(kinds({ idempotent: false, zombies: true }), [])
    assert.deepEqual(kinds({ zombies: true }), ['inversion', 'inversion'])
    // What the group is given for the first time is judged all the same.
    happens(given(7, 'b'), given(6, 'b'))
    assert.deepEqual(kinds({ idempotent: false, zombies: true }), ['inversion', 'inversion'])
  })

  test('takes two records that stand twice together for doubles, and no inversion where those are allowed', () => {
    const again = (seq: number): OracleFact => ({
      type: 'stands',
      topic,
      partition,
      position: `${90 + seq}`,
      ...id(seq),
    })
    happens(stands(1), stands(2), again(1), again(2))
    assert.deepEqual(kinds(), ['inversion', 'doubled', 'doubled'])
    assert.deepEqual(oracle.judge({ idempotent: false }), { violations: [], redelivered: 0, doubled: 2 })
  })

  test("names a former owner's checkpoint that was accepted", () => {
    happens(owned('assigned', 'a', 1), given(1), owned('assigned', 'b', 2), checkpoint(1, 'a', 1))
    assert.deepEqual(kinds({ forced: true }), ['late-checkpoint'])
  })

  test('names two owners whose checkpoints were accepted, and an epoch that came again', () => {
    happens(
      owned('assigned', 'a', 1),
      checkpoint(1, 'a', 1),
      owned('assigned', 'b', 1),
      checkpoint(2, 'b', 1),
    )
    assert.deepEqual(kinds(), ['epoch', 'two-owners'])
  })

  test('names a successor that began during the drain', () => {
    happens(
      owned('assigned', 'a', 1),
      owned('revoked', 'a', 1),
      owned('assigned', 'b', 2),
      owned('released', 'a', 1),
    )
    assert.deepEqual(kinds(), ['hand-off'])
    assert.deepEqual(kinds({ forced: true }), [])
  })
})
