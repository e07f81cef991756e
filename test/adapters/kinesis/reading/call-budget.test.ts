import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test, vi } from 'vitest'
import { CallBudget } from '../../../../adapters/kinesis/reading/call-budget.ts'
import { SERVICE_LIMITS } from '../../../../adapters/kinesis/reading/reading-limits.ts'
import { ShardBudget, shareBudget } from '../../../../adapters/kinesis/reading/shard-budget.ts'

const MiB = 1 << 20
const never = new AbortController().signal

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('calls of one shard', () => {
  test('five in any second, each from its answer on', async () => {
    const budget = new CallBudget(5)
    const begun = counter(5, () => budget.begin(never))
    await settle()
    assert.equal(begun(), 5)
    const sixth = counter(1, () => budget.begin(never))
    await vi.advanceTimersByTimeAsync(5_000)
    assert.equal(sixth(), 0, 'a call under way holds its place')
    budget.end()
    await vi.advanceTimersByTimeAsync(999)
    assert.equal(sixth(), 0)
    await vi.advanceTimersByTimeAsync(1)
    assert.equal(sixth(), 1)
  })

  test('whoever waits longest is next, and two readers get the same', async () => {
    const budget = new CallBudget(5)
    const got = { a: 0, b: 0 }
    const read = async (name: 'a' | 'b'): Promise<void> => {
      for (;;) {
        await budget.begin(never)
        got[name]++
        budget.end()
      }
    }
    void read('a')
    void read('b')
    await vi.advanceTimersByTimeAsync(9_999)
    assert.equal(got.a + got.b, 50)
    assert.ok(Math.abs(got.a - got.b) <= 1, JSON.stringify(got))
  })

  test('who is aborted leaves its place to the next, and no timer', async () => {
    const budget = new CallBudget(1)
    await budget.begin(never)
    budget.end()
    const aborter = new AbortController()
    const first = budget.begin(aborter.signal)
    const second = counter(1, () => budget.begin(never))
    aborter.abort(new Error('enough'))
    await assert.rejects(first, /enough/)
    await assert.rejects(budget.begin(aborter.signal), /enough/)
    await vi.advanceTimersByTimeAsync(1_000)
    assert.equal(second(), 1)
    budget.end()
    const third = new AbortController()
    const waiting = budget.begin(third.signal)
    assert.equal(vi.getTimerCount(), 1)
    third.abort(new Error('no more'))
    await assert.rejects(waiting, /no more/)
    assert.equal(vi.getTimerCount(), 0)
  })
})

describe('what a shard gives', () => {
  test('bytes are not counted until the service has counted them; then 2 MiB a second', async () => {
    const budget = new ShardBudget(SERVICE_LIMITS)
    assert.ok((await elapsed(budget, 2 * MiB)) === 0)
    assert.ok((await elapsed(budget, 2 * MiB)) === 0)
    await elapsed(budget, 0, 'throttled')
    const held = await elapsed(budget, 4 * MiB)
    assert.ok(held >= 1_000 && held <= 1_500, `the throttle is waited out: ${held}`)
    const paced = await elapsed(budget, 0)
    assert.ok(paced >= 2_000 && paced < 2_600, `4 MiB are two seconds' worth: ${paced}`)
  })

  test('a full answer is followed by five seconds', async () => {
    const budget = new ShardBudget(SERVICE_LIMITS)
    await elapsed(budget, 10 * MiB)
    assert.equal(await elapsed(budget, 0), 5_000)
    assert.equal(await elapsed(budget, 0), 0)
  })

  test('throttles by others make calls rarer, and what goes well makes them frequent again', async () => {
    const budget = new ShardBudget(SERVICE_LIMITS)
    for (let i = 0; i < 4; i++) await elapsed(budget, 0, 'throttled')
    await elapsed(budget, 0)
    const rare = await elapsed(budget, 0)
    assert.ok(rare >= 300, `${rare}`)
    for (let i = 0; i < 60; i++) await elapsed(budget, 0)
    await vi.advanceTimersByTimeAsync(1_000)
    for (let i = 0; i < 5; i++) assert.equal(await elapsed(budget, 0), 0)
  })

  test('one budget a shard in the process, remembered for as long as the service does', () => {
    const a = shareBudget('shard', SERVICE_LIMITS)
    const b = shareBudget('shard', SERVICE_LIMITS)
    assert.equal(a.budget, b.budget)
    assert.notEqual(shareBudget('other', SERVICE_LIMITS).budget, a.budget)
    a.giveBack()
    a.giveBack()
    b.giveBack()
    vi.advanceTimersByTime(1_000)
    const c = shareBudget('shard', SERVICE_LIMITS)
    assert.equal(c.budget, a.budget)
    c.giveBack()
    vi.advanceTimersByTime(3_000)
    assert.notEqual(shareBudget('shard', SERVICE_LIMITS).budget, a.budget)
  })
})

/** How many of so many calls have resolved. */
function counter(times: number, call: () => Promise<void>): () => number {
  let resolved = 0
  for (let i = 0; i < times; i++) {
    call().then(
      () => resolved++,
      () => {},
    )
  }
  return () => resolved
}

/** How long a call had to wait, which then brings so many bytes. */
async function elapsed(
  budget: ShardBudget,
  bytes: number,
  outcome: 'answered' | 'throttled' = 'answered',
): Promise<number> {
  const before = performance.now()
  let begun = false
  void budget.begin(never).then(() => (begun = true))
  await settle()
  while (!begun) await vi.advanceTimersByTimeAsync(1)
  if (outcome === 'answered') budget.answered(bytes)
  else budget.throttled()
  return Math.round(performance.now() - before)
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
