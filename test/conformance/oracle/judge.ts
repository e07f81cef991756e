import type { Position } from '../../../src/index.ts'
import { findDuplicates } from './duplicates.ts'
import type { OracleEvent } from './events.ts'
import { findInversions } from './inversions.ts'
import { findLosses } from './losses.ts'
import { findMisplaced } from './misplaced.ts'
import { findOwnerConflicts } from './owners.ts'
import { Timeline } from './timeline.ts'

export interface Violation {
  readonly kind:
    | 'loss'
    | 'duplicate'
    | 'inversion'
    | 'misplaced'
    | 'doubled'
    | 'two-owners'
    | 'late-checkpoint'
    | 'epoch'
    | 'hand-off'
  readonly text: string
}

/** What is promised in this case beyond what always holds. */
export interface Terms {
  /** Groups that must have been given every acknowledged record of these topics. */
  readonly complete?: readonly { readonly group: string; readonly topic: string }[]
  /** Members may be stopped or hung: what such a former owner is still handling is not held against the group. */
  readonly zombies?: boolean
  /** Partitions may be taken by force while they drain. */
  readonly forced?: boolean
  /** False where keys may move between partitions without lineage: then order holds in each partition only. */
  readonly orderAcrossPartitions?: boolean
  /** False where an ambiguous failure may double a record in the log. */
  readonly idempotent?: boolean
}

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
