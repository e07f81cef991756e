import type { SegmentList } from './segment-list.ts'
import type { AbortedEntry } from './transaction-index.ts'

/** The entries with records in `[from, to)`, by their first offset. */
export function collectAborted(segments: SegmentList, from: number, to: number): AbortedEntry[] {
  const found: AbortedEntry[] = []
  for (const segment of segments.all) {
    if (segment.isSealed && segment.nextOffset <= from) continue
    for (const entry of segment.aborted) {
      if (entry.lastOffset >= from && entry.firstOffset < to) found.push(entry)
      // Transactions that end later begin at or after this stable offset.
      if (entry.lastStableOffset >= to) return found.sort(byFirstOffset)
    }
  }
  return found.sort(byFirstOffset)
}

const byFirstOffset = (a: AbortedEntry, b: AbortedEntry) => a.firstOffset - b.firstOffset
