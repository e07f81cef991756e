import assert from 'node:assert/strict'
import type { Position } from '../../../src/index.ts'
import { type EventOf, now, type OracleEvent, type OracleFact } from './events.ts'
import { type Judgement, judge } from './judge.ts'
import type { Terms } from './violation.ts'

/** Records what happened in one case, in this process and in its children, and says what must not have. */
export class Oracle {
  private readonly events: OracleEvent[] = []
  private readonly compare: (a: Position, b: Position) => number

  constructor(compare: (a: Position, b: Position) => number) {
    this.compare = compare
  }

  /** Bound, so that it can be handed around. */
  readonly record = (fact: OracleFact): void => {
    this.events.push({ at: now(), ...fact })
  }

  /** An event of another process, with the time that it was given there. */
  adopt(event: OracleEvent): void {
    this.events.push(event)
  }

  of<T extends OracleEvent['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  /** How many different records a group was given. */
  deliveredTo(group: string): number {
    const seen = new Set<string>()
    for (const event of this.events) {
      if (event.type === 'delivered' && event.group === group)
        seen.add(`${event.topic}/${event.producer}/${event.key}/${event.seq}`)
    }
    return seen.size
  }

  judge(terms: Terms = {}): Judgement {
    // Children's events arrive late; a stable sort keeps the order of what one process saw within a microsecond.
    const ordered = this.events.toSorted((a, b) => a.at - b.at)
    return judge(ordered, this.compare, terms)
  }

  /** Throws with the name of each loss, forbidden duplicate, inversion, misplaced record and double owner. */
  assertClean(terms: Terms = {}): Judgement {
    const judgement = this.judge(terms)
    const { violations } = judgement
    if (violations.length > 0) {
      const shown = violations.slice(0, 12).map((violation) => `  ${violation.kind}: ${violation.text}`)
      const rest = violations.length > 12 ? `\n  and ${violations.length - 12} more` : ''
      assert.fail(`the oracle found ${violations.length} violation(s):\n${shown.join('\n')}${rest}`)
    }
    return judgement
  }
}
