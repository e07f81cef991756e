import { nameOf, placeOf } from './events.ts'
import { groupBy, type Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

/**
 * Acknowledged records that do not stand where their acknowledgement says, and records in the log twice. Only topics that
 * were read back (`stands`) are judged; there, what was delivered must stand too.
 */
export function findMisplaced(
  timeline: Timeline,
  terms: Terms,
): { violations: Violation[]; doubled: number } {
  const violations: Violation[] = []
  const standing = timeline.of('stands')
  const topics = new Set(standing.map((event) => event.topic))
  const byPlace = new Map(standing.map((event) => [placeOf(event), event]))
  for (const event of timeline.of('acknowledged')) {
    if (!topics.has(event.topic)) continue
    const found = byPlace.get(placeOf(event))
    if (found !== undefined && nameOf(found) === nameOf(event)) continue
    violations.push({
      kind: 'misplaced',
      text:
        `${nameOf(event)} was acknowledged at ${placeOf(event)}, where ` +
        `${found === undefined ? 'nothing stands' : `${nameOf(found)} stands`}`,
    })
  }
  let doubled = 0
  for (const copies of groupBy(standing, (event) => `${event.topic} ${nameOf(event)}`).values()) {
    const places = [...new Set(copies.map(placeOf))]
    if (places.length < 2) continue
    doubled++
    if (terms.idempotent ?? true)
      violations.push({
        kind: 'doubled',
        text: `${nameOf(copies[0]!)} stands ${places.length} times: ${places.join(', ')}`,
      })
  }
  return { violations, doubled }
}
