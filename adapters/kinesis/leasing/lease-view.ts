import { type Lease, workerOf } from './lease.ts'

/** A lease as an observer has it. */
export interface SeenLease {
  readonly lease: Lease
  /** For how long its counter has provably not changed. Milliseconds. */
  readonly unchangedMs: number
  /** It was silent between the last two looks: available in so long from the last one, if it stays so. Milliseconds; undefined where it was not. */
  readonly expiresInMs: number | undefined
  /** For how long it has been on its way from one worker to the other. Milliseconds; 0 where it is not. */
  readonly promisedMs: number
  /** Nobody's, or its worker has been silent for too long. */
  readonly available: boolean
  /** For how long it has been so. Milliseconds. */
  readonly freeMs: number
}

interface Known {
  readonly counter: number
  readonly since: number
  readonly promise: string | undefined
  readonly promisedSince: number
}

interface Announced {
  readonly text: string
  readonly since: number
}

/** What a member without a lease tells of itself. */
export interface IdleMember {
  readonly id: string
  readonly topics: readonly string[]
  readonly row: string
  readonly alive: boolean
}

/** In the place of an announcement: who wrote it has left, and with it leases. */
export const FAREWELL = 'left'

/** The text of an announcement; the beat makes it new each time. */
export const announcement = (beat: number, sessionMs: number, topics: readonly string[]): string =>
  JSON.stringify({ beat, sessionMs, topics })

/**
 * A lease table as seen again and again. Who is dead is found by this process's own monotonic clock: a counter that did not change between two
 * looks, the first answered and the second asked so far apart. A process that was stopped in between holds nothing against anybody.
 */
export class LeaseView {
  readonly #sessionMs: number
  #known = new Map<string, Known>()
  #announced = new Map<string, Announced>()
  /** When the last look was asked for. */
  askedAt = 0
  leases: readonly SeenLease[] = []
  idle: readonly IdleMember[] = []

  /** `sessionMs`: of workers that say nothing of their own. */
  constructor(sessionMs: number) {
    this.#sessionMs = sessionMs
  }

  /** The table as it was some time between these two. */
  update(leases: readonly Lease[], askedAt: number, answeredAt: number): void {
    const known = new Map<string, Known>()
    const announced = new Map<string, Announced>()
    const idle: IdleMember[] = []
    this.askedAt = askedAt
    this.leases = leases.map((lease) => {
      const before = this.#known.get(lease.key)
      const promise =
        lease.checkpointOwner === undefined ? undefined : `${lease.checkpointOwner} ${lease.owner}`
      const now: Known = {
        counter: lease.counter,
        since: before?.counter === lease.counter ? before.since : answeredAt,
        promise,
        promisedSince: before !== undefined && before.promise === promise ? before.promisedSince : answeredAt,
      }
      known.set(lease.key, now)
      for (const id in lease.idle) {
        const text = lease.idle[id]!
        const earlier = this.#announced.get(id)
        const since = earlier?.text === text ? earlier.since : answeredAt
        announced.set(id, { text, since })
        idle.push(this.#idleMember(id, text, lease.key, askedAt - since))
      }
      const unchangedMs = Math.max(0, askedAt - now.since)
      const tolerated = workerOf(lease) === undefined ? 0 : (lease.sessionMs ?? this.#sessionMs)
      const available = workerOf(lease) === undefined || unchangedMs > tolerated
      return {
        lease,
        unchangedMs,
        expiresInMs: available || unchangedMs === 0 ? undefined : tolerated - unchangedMs,
        promisedMs: promise === undefined ? 0 : Math.max(0, askedAt - now.promisedSince),
        available,
        freeMs: Math.max(0, unchangedMs - tolerated),
      }
    })
    this.idle = idle
    this.#known = known
    this.#announced = announced
  }

  /** Whether somebody has left who had not when the table was last seen. */
  tellsOfLeaving({ idle }: Lease): boolean {
    return Object.keys(idle).some((id) => idle[id] === FAREWELL && this.#announced.get(id)?.text !== FAREWELL)
  }

  #idleMember(id: string, text: string, row: string, unchangedMs: number): IdleMember {
    try {
      const { sessionMs, topics } = JSON.parse(text) as { sessionMs: number; topics: string[] }
      return { id, topics, row, alive: unchangedMs <= sessionMs }
    } catch {
      return { id, topics: [], row, alive: false }
    }
  }
}
