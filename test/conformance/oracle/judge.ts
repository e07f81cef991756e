import type { Position } from '../../../src/index.ts'
import { findDuplicates } from './duplicates.ts'
import type { OracleEvent } from './events.ts'
import { findInversions } from './inversions.ts'
import { findLosses } from './losses.ts'
import { findMisplaced } from './misplaced.ts'
import { findOwnerConflicts } from './owners.ts'
import { Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

export interface Judgement {
  readonly violations: readonly Violation[]
  /** Records that a group was given again, legally: they lay after the last checkpoint, or had failed. */
  readonly redelivered: number
  /** Records in the log twice, where that is allowed. */
  readonly doubled: number
}

/** `events` in the order of time. */
export function judge(
  events: readonly OracleEvent[],
  compare: (a: Position, b: Position) => number,
  terms: Terms,
): Judgement {
  const timeline = new Timeline(events, compare)
  const duplicates = findDuplicates(timeline, terms)
  const misplaced = findMisplaced(timeline, terms)
  return {
    violations: [
      ...findLosses(timeline, terms),
      ...duplicates.violations,
      ...findInversions(timeline, terms),
      ...misplaced.violations,
      ...findOwnerConflicts(timeline, terms),
    ],
    redelivered: duplicates.redelivered,
    doubled: misplaced.doubled,
  }
}
