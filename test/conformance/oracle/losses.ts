import { nameOf, placeOf } from './events.ts'
import type { Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

/** Acknowledged records that a group should have been given and never was. */
export function findLosses(timeline: Timeline, terms: Terms): Violation[] {
  const violations: Violation[] = []
  for (const { group, topic } of terms.complete ?? []) {
    const delivered = new Set<string>()
    for (const event of timeline.deliveries) {
      if (event.group === group && event.topic === topic) delivered.add(nameOf(event))
    }
    for (const event of timeline.of('acknowledged')) {
      if (event.topic !== topic || delivered.has(nameOf(event))) continue
      violations.push({
        kind: 'loss',
        text: `${nameOf(event)}, acknowledged at ${placeOf(event)}, never reached group ${group}`,
      })
    }
  }
  return violations
}
