import { type EventOf, nameOf, placeOf } from './events.ts'
import { type Delivery, groupBy, shareOf, type Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

/**
 * Two records of one key and producer in the wrong order: in the log as it was read back, in the first deliveries to a
 * group whoever made them, and within one assignment.
 */
export function findInversions(timeline: Timeline, terms: Terms): Violation[] {
  const across = terms.orderAcrossPartitions ?? true
  const partition = (event: { partition: string }) => (across ? '' : event.partition)
  const violations: Violation[] = []
  const log = groupBy(
    timeline.of('stands'),
    (event) => `${event.topic} ${event.producer}/${event.key} ${partition(event)}`,
  )
  for (const records of log.values()) {
    // A producer's own double is judged apart: what was written together may come again together.
    const judged = (terms.idempotent ?? true) ? records : firsts(records)
    violations.push(...descents(judged, 'the log has'))
  }

  const perKey = groupBy(
    timeline.deliveries,
    (event) => `${event.group} ${event.topic} ${event.producer}/${event.key} ${partition(event)}`,
  )
  const seeks = timeline.of('sought')
  for (const deliveries of perKey.values()) {
    violations.push(...descents(firsts(deliveries), `group ${deliveries[0]?.group} was given`))
    // Whoever began behind the first of two doubles has not had it, and gets the other.
    const originals = (terms.idempotent ?? true) ? deliveries : withoutDoubles(deliveries)
    const runs = groupBy(originals, (event) => `${event.member} ${event.epoch} ${shareOf(event)}`)
    for (const run of runs.values()) violations.push(...withinOneAssignment(run))
  }
  return violations

  /** Retries repeat a record, so only the first time that an assignment brings it counts; a seek starts anew. */
  function withinOneAssignment(run: readonly Delivery[]): Violation[] {
    const found: Violation[] = []
    let start = 0
    for (let i = 1; i <= run.length; i++) {
      const delivery = run[i]
      const before = run[i - 1]
      if (delivery !== undefined && before !== undefined && !seekBetween(before, delivery)) continue
      found.push(...descents(firsts(run.slice(start, i)), `${run[0]?.member} was given`))
      start = i
    }
    return found
  }

  function seekBetween(a: Delivery, b: Delivery): boolean {
    return seeks.some(
      (seek) => seek.group === b.group && seek.topic === b.topic && seek.startedAt <= b.at && seek.at >= a.at,
    )
  }
}

type Ordered = EventOf<'stands'> | Delivery

function firsts<T extends Ordered>(events: readonly T[]): T[] {
  const seen = new Set<number>()
  return events.filter((event) => !seen.has(event.seq) && seen.add(event.seq))
}

/** Where a record stands more than once, only the place that the group was given first. */
function withoutDoubles(deliveries: readonly Delivery[]): Delivery[] {
  const places = new Map<number, string>()
  return deliveries.filter((delivery) => {
    const place = placeOf(delivery)
    const first = places.get(delivery.seq) ?? place
    places.set(delivery.seq, first)
    return place === first
  })
}

function descents(events: readonly Ordered[], who: string): Violation[] {
  const violations: Violation[] = []
  let highest: Ordered | undefined
  for (const event of events) {
    if (highest !== undefined && event.seq < highest.seq) {
      violations.push({
        kind: 'inversion',
        text: `${who} ${nameOf(event)} at ${placeOf(event)} after ${nameOf(highest)} at ${placeOf(highest)}`,
      })
    } else highest = event
  }
  return violations
}
