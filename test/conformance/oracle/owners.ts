import type { EventOf } from './events.ts'
import { groupBy, shareOf, type Timeline } from './timeline.ts'
import type { Terms, Violation } from './violation.ts'

type Assigned = EventOf<'assigned'>

/**
 * A former owner's checkpoint that was accepted, two members with checkpoints accepted under one epoch, an epoch that came
 * again, and a successor that began while its predecessor was still draining.
 */
export function findOwnerConflicts(timeline: Timeline, terms: Terms): Violation[] {
  const violations: Violation[] = []
  const assignments = groupBy(timeline.of('assigned'), shareOf)
  const checkpoints = groupBy(timeline.of('checkpointed'), shareOf)
  const endings = groupBy(timeline.of('revoked', 'released', 'lost'), shareOf)
  for (const [share, owners] of assignments) {
    violations.push(...epochsThatDoNotRise(share, owners, terms))
    for (const checkpoint of checkpoints.get(share) ?? []) {
      const successor = owners.find(
        (owner) => owner.epoch > checkpoint.epoch && owner.at < checkpoint.requestedAt,
      )
      if (successor !== undefined) {
        violations.push({
          kind: 'late-checkpoint',
          text:
            `${share}: a checkpoint of ${checkpoint.member}, epoch ${checkpoint.epoch}, was accepted after ` +
            `${successor.member} had begun epoch ${successor.epoch}`,
        })
      }
    }
    violations.push(...sharedEpochs(share, checkpoints.get(share) ?? []))
    if (!terms.forced) violations.push(...beganTooEarly(share, owners, endings.get(share) ?? []))
  }
  return violations
}

/** A process that was stopped may hear late of an assignment that has been superseded; none ever hears of one twice. */
function epochsThatDoNotRise(share: string, owners: readonly Assigned[], terms: Terms): Violation[] {
  return owners.flatMap((owner, i) => {
    const before = owners
      .slice(0, i)
      .find((earlier) => (terms.zombies ? earlier.epoch === owner.epoch : earlier.epoch >= owner.epoch))
    if (before === undefined) return []
    const text = `${share}: ${owner.member} was assigned epoch ${owner.epoch} after ${before.member} had ${before.epoch}`
    return [{ kind: 'epoch' as const, text }]
  })
}

function sharedEpochs(share: string, checkpoints: readonly EventOf<'checkpointed'>[]): Violation[] {
  const violations: Violation[] = []
  for (const [epoch, accepted] of groupBy(checkpoints, (checkpoint) => String(checkpoint.epoch))) {
    const members = [...new Set(accepted.map((checkpoint) => checkpoint.member))]
    if (members.length > 1)
      violations.push({
        kind: 'two-owners',
        text: `${share}: checkpoints of ${members.join(' and ')} were accepted under epoch ${epoch}`,
      })
  }
  return violations
}

/** An owner that was asked to drain keeps the partition until it has let go, or was told that it is lost. */
function beganTooEarly(
  share: string,
  owners: readonly Assigned[],
  endings: readonly EventOf<'revoked' | 'released' | 'lost'>[],
): Violation[] {
  return endings.flatMap((asked) => {
    if (asked.type !== 'revoked') return []
    const letGo = endings.find(
      (event) =>
        event.type !== 'revoked' &&
        event.member === asked.member &&
        event.epoch === asked.epoch &&
        event.at >= asked.at,
    )
    const until = letGo?.at ?? Number.POSITIVE_INFINITY
    const early = owners.find((owner) => owner.epoch > asked.epoch && owner.at > asked.at && owner.at < until)
    if (early === undefined) return []
    const text = `${share}: ${early.member} began epoch ${early.epoch} while ${asked.member} was still draining epoch ${asked.epoch}`
    return [{ kind: 'hand-off' as const, text }]
  })
}
