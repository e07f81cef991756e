import type { Place, ResumePoint } from '../positions.ts'
import { comparePlaces } from '../positions.ts'
import type { Tail } from './find-tail.ts'
import type { PlainUntil } from './plain-bounds.ts'
import type { Delivery } from './shard-source.ts'

/** Clocks of the service and of this process agree to about so much. Milliseconds. */
const CLOCK_MS = 1_000

/** Where a reader ends. The first of the bounds that is met counts; a shard that ends is another. */
export class ReadEnd {
  /** The first place that is not read. */
  readonly before: Place | undefined
  /** What arrived then or later was not there when reading began. */
  readonly arrivedBefore: number | undefined
  /** The first record that is not older ends it. */
  readonly timestamp: number | undefined
  /** All was read once a delivery that was asked for then or later leaves nothing behind. */
  readonly #caughtUpAt: number | undefined

  constructor(until: PlainUntil | undefined, tail: Tail | undefined, now: number) {
    const place = until !== undefined && until !== 'now' && 'before' in until ? until.before : undefined
    this.timestamp =
      until !== undefined && until !== 'now' && 'timestamp' in until ? until.timestamp : undefined
    if (place !== undefined || until === undefined) {
      this.before = place
      return
    }
    if (this.timestamp !== undefined && this.timestamp > now) {
      this.#caughtUpAt = this.timestamp + CLOCK_MS
      return
    }
    // The end as it stands. Without a tail the shard is closed, and its own end is that.
    this.#caughtUpAt = tail === undefined ? undefined : Number.NEGATIVE_INFINITY
    if (tail?.last === undefined) this.arrivedBefore = tail?.since
    else this.before = { sequence: tail.last.sequence, sub: Number.POSITIVE_INFINITY }
  }

  /** Whether nothing is left to read behind that place. */
  isReached(point: ResumePoint): boolean {
    if (point.kind !== 'after' || this.before === undefined) return false
    return comparePlaces({ sequence: point.sequence, sub: point.sub + 1 }, this.before) >= 0
  }

  /** Whether all there is was read with it. */
  isCaughtUp({ millisBehind, askedAt, records }: Delivery): boolean {
    if (millisBehind > 0 || this.#caughtUpAt === undefined || askedAt < this.#caughtUpAt) return false
    // The last record of the shard is known: it comes yet, unless it was trimmed.
    return this.before === undefined || records.length === 0
  }
}
