import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test, vi } from 'vitest'
import { Trouble } from '../../../../adapters/kinesis/reading/trouble.ts'
import { StreamError } from '../../../../src/driver.ts'

const options = { topic: 't', partition: 'p', start: { from: 'earliest' } } as const
const error = new StreamError('THROTTLED', 'too often: ask less often')
let said: string[]
let trouble: Trouble

beforeEach(() => {
  vi.useFakeTimers()
  said = []
  const say = (message: string): void => void said.push(message)
  trouble = new Trouble({ debug() {}, info: say, warn: say, error: say }, options)
})

afterEach(() => {
  vi.useRealTimers()
})

describe('errors of a reader that pass by themselves', () => {
  test('pauses grow, never beyond five seconds, and differ', () => {
    const pauses = Array.from({ length: 12 }, () => trouble.pauseMs(error))
    assert.ok(pauses[0]! >= 50 && pauses[0]! <= 100, `${pauses}`)
    for (const pause of pauses.slice(6)) assert.ok(pause >= 2_500 && pause <= 5_000, `${pauses}`)
    assert.ok(new Set(pauses.slice(6)).size > 1)
    trouble.over()
    assert.ok(trouble.pauseMs(error) <= 100)
  })

  test('are spoken of after ten seconds, then once a minute, and when they are over', () => {
    for (let second = 0; second < 130; second++) {
      trouble.pauseMs(error)
      vi.advanceTimersByTime(1_000)
    }
    assert.equal(said.length, 2)
    assert.match(said[0]!, /shard p of 't' has not succeeded for 11 s: too often/)
    trouble.over()
    trouble.over()
    assert.deepEqual(said.slice(2), ["reading shard p of 't' goes on"])
  })

  test('that are short are not spoken of', () => {
    trouble.pauseMs(error)
    trouble.over()
    assert.deepEqual(said, [])
  })
})
