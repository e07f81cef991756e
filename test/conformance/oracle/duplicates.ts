import { type EventOf, nameOf, placeOf } from './events.ts'
import { type Delivery, groupBy, shareOf, type Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

/**
 * A record delivered to a group after an accepted checkpoint covered it, and one delivered twice under one assignment
 * without having failed. What comes again after the last checkpoint is legal, and counted.
 */
export function findDuplicates(
  timeline: Timeline,
  terms: Terms,
): { violations: Violation[]; redelivered: number } {
  const violations: Violation[] = []
  let redelivered = 0
  const checkpoints = groupBy(timeline.of('checkpointed'), shareOf)
  const failures = groupBy(timeline.of('failed'), (event) => `${shareOf(event)}@${event.position}`)
  const seeks = timeline.of('sought')
  for (const [share, deliveries] of groupBy(timeline.deliveries, shareOf)) {
    const before = new Map<string, Delivery>()
    for (const delivery of deliveries) {
      const previous = before.get(delivery.position)
      before.set(delivery.position, delivery)
      if (previous !== undefined) redelivered++
      const covering = (checkpoints.get(share) ?? []).find((checkpoint) => forbids(checkpoint, delivery))
      if (covering !== undefined) {
        violations.push({
          kind: 'duplicate',
          text:
            `${nameOf(delivery)} at ${placeOf(delivery)} reached group ${delivery.group} (${delivery.member}, epoch ` +
            `${delivery.epoch}) after a checkpoint of ${covering.member}, epoch ${covering.epoch}, covered it`,
        })
        continue
      }
      if (previous === undefined || previous.epoch !== delivery.epoch) continue
      if (previous.member !== delivery.member || soughtBetween(delivery, previous.at, delivery.at)) continue
      const failed = failures.get(`${share}@${delivery.position}`) ?? []
      if (failed.some((failure) => failure.at >= previous.at && failure.at <= delivery.at)) continue
      violations.push({
        kind: 'duplicate',
        text: `${nameOf(delivery)} at ${placeOf(delivery)} reached ${delivery.member} twice in epoch ${delivery.epoch}`,
      })
    }
  }
  return { violations, redelivered }

  function forbids(checkpoint: EventOf<'checkpointed'>, delivery: Delivery): boolean {
    if (checkpoint.at >= delivery.at || checkpoint.covers == null) return false
    // A former owner that does not know it yet may be handling what its successor has finished already.
    if (terms.zombies && delivery.epoch !== 0 && checkpoint.epoch > delivery.epoch) return false
    if (timeline.compare(delivery.position, checkpoint.covers) > 0) return false
    return !soughtBetween(delivery, checkpoint.requestedAt, delivery.at)
  }

  function soughtBetween(delivery: Delivery, from: number, to: number): boolean {
    return seeks.some(
      (seek) =>
        seek.group === delivery.group &&
        seek.topic === delivery.topic &&
        (seek.partition === null || seek.partition === delivery.partition) &&
        seek.startedAt <= to &&
        seek.at >= from,
    )
  }
}
