import { bytesOf, type ReplayOptions, type ReplayReport } from './options.ts'
import type { ReplaySource } from './topic-source.ts'

const PROGRESS_INTERVAL_MS = 100

/** Reads all that a replay would send, sends nothing, and says what it found. */
export async function survey(source: ReplaySource, options: ReplayOptions): Promise<ReplayReport> {
  const started = performance.now()
  let records = 0
  let bytes = 0
  let filtered = 0
  let oldest: number | undefined
  let newest: number | undefined
  let told = started
  for await (const chunk of source.chunks()) {
    for (const record of chunk) {
      if (options.filter?.(record) === false) {
        filtered++
        continue
      }
      records++
      bytes += bytesOf(record)
      const { timestamp } = record
      if (timestamp === undefined) continue
      if (oldest === undefined || timestamp < oldest) oldest = timestamp
      if (newest === undefined || timestamp > newest) newest = timestamp
    }
    if (options.signal?.aborted) break
    if (performance.now() - told < PROGRESS_INTERVAL_MS) continue
    told = performance.now()
    options.onProgress?.({ records, bytes, remaining: source.remaining })
  }
  const durationMs = performance.now() - started
  const ended = options.signal?.aborted ? 'interrupted' : 'complete'
  const nothing = { resumedAfter: 0, mayRepeat: 0, after: {}, redriven: 0 }
  return { ended, records, bytes, filtered, oldest, newest, durationMs, ...nothing }
}
