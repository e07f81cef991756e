import { expect, test } from 'vitest'
import { ServerClock } from '../../../../adapters/kinesis/service/server-clock.ts'

test('seconds that answers were dated by tell the time better than a second together', () => {
  const clock = new ServerClock()
  const ahead = 3_600_000 - performance.timeOrigin
  const truth = (at: number): number => performance.timeOrigin + at + ahead
  const dated = (at: number): string => new Date(Math.floor(truth(at) / 1_000) * 1_000).toUTCString()
  const now = performance.now()
  // Looked at every 130 ms, with 20 ms on the way.
  for (let at = now - 4_000; at < now; at += 130) clock.heard(dated(at + 10), at, at + 20)
  expect(Math.abs(clock.now() - truth(performance.now()))).toBeLessThan(120)
  clock.heard('yesterday', now, now)
  expect(Math.abs(clock.now() - truth(performance.now()))).toBeLessThan(120)
})

test('a clock that was set counts anew', () => {
  const clock = new ServerClock()
  const now = performance.now()
  clock.heard(new Date(1_000_000_000_000).toUTCString(), now - 5, now)
  clock.heard(new Date(1_000_000_100_000).toUTCString(), now - 5, now)
  expect(Math.abs(clock.now() - 1_000_000_100_000)).toBeLessThan(2_000)
})
