import { setTimeout as wait } from 'node:timers/promises'
import type { ReplayOptions, ReplayRecord } from './options.ts'

/** When a record may go: milliseconds on the clock that `now` reads. */
type Due = (record: ReplayRecord, now: number) => number

/** What falls due within this goes together: timers are not finer, and one record a send would be slow. */
const GRAIN_MS = 5

/** Node fires longer timers at once. */
const LONGEST_WAIT_MS = 2 ** 30

/**
 * Holds records back until their time: `speed` times as fast as they were written, or `rate` a second. What is late
 * goes at once, so a slow target delays but does not lose the beat. What `filter` passes over is no part of the beat.
 */
export async function* paced(
  chunks: AsyncIterable<readonly ReplayRecord[]>,
  { speed, rate, filter }: Pick<ReplayOptions, 'speed' | 'rate' | 'filter'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ReplayRecord[]> {
  const due = speed !== undefined ? bySpeed(speed) : rate !== undefined ? byRate(rate) : undefined
  if (due === undefined) {
    yield* chunks
    return
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const record = chunk[i]!
      if (filter?.(record) === false) continue
      const now = performance.now()
      const early = due(record, now) - now
      if (early <= GRAIN_MS) continue
      if (i > from) yield chunk.slice(from, i)
      from = i
      try {
        for (let left = early; left > 0; left -= LONGEST_WAIT_MS) {
          await wait(Math.min(left, LONGEST_WAIT_MS), undefined, signal ? { signal } : {})
        }
      } catch {
        return // aborted: what is held back is not sent
      }
    }
    if (from < chunk.length) yield chunk.slice(from)
  }
}

function bySpeed(speed: number): Due {
  let origin: { readonly timestamp: number; readonly at: number } | undefined
  return (record, now) => {
    if (record.timestamp === undefined) return now
    origin ??= { timestamp: record.timestamp, at: now }
    return origin.at + (record.timestamp - origin.timestamp) / speed
  }
}

function byRate(rate: number): Due {
  let start: number | undefined
  let count = 0
  return (_, now) => {
    start ??= now
    return start + (count++ / rate) * 1_000
  }
}
