import type { Effect, Fault, SetFault } from './fault.ts'

/** What a fault is held against. */
export interface Call {
  readonly operation: string
  readonly stream: string | undefined
  /** Those that the call touches; asked only where a fault names one. */
  readonly shards: () => readonly string[]
}

class ActiveFault implements SetFault {
  readonly fault: Fault
  readonly #all: Set<ActiveFault>
  hits = 0
  #seen = 0

  constructor(fault: Fault, all: Set<ActiveFault>) {
    this.fault = fault
    this.#all = all
  }

  remove(): void {
    this.#all.delete(this)
  }

  meets(call: Call, random: () => number): boolean {
    const { on, stream, shard, skip = 0, rate } = this.fault
    if (on !== undefined && (typeof on === 'string' ? on !== call.operation : !on.includes(call.operation))) {
      return false
    }
    if (stream !== undefined && stream !== call.stream) return false
    if (shard !== undefined && !call.shards().includes(shard)) return false
    if (++this.#seen <= skip) return false
    if (rate !== undefined && random() >= rate) return false
    const { times = rate === undefined ? 1 : Infinity } = this.fault
    if (++this.hits >= times) this.remove()
    return true
  }
}

/** The faults of a fake, in the order in which they were set. */
export class Faults {
  readonly #active = new Set<ActiveFault>()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  add(fault: Fault): SetFault {
    const active = new ActiveFault(fault, this.#active)
    this.#active.add(active)
    return active
  }

  clear(): void {
    this.#active.clear()
  }

  /** What meets this call: every delay, and the first of each other kind. */
  meeting(call: Call): readonly MetFault[] {
    const met: MetFault[] = []
    for (const active of this.#active) {
      const { effect, shard } = active.fault
      if (effect.kind !== 'delay' && met.some((other) => other.effect.kind === effect.kind)) continue
      if (active.meets(call, this.#random)) met.push({ effect, shard })
    }
    return met
  }

  /** Whether a share of entries takes this one. */
  takes(share: number): boolean {
    return this.#random() < share
  }
}

export interface MetFault {
  readonly effect: Effect
  readonly shard: string | undefined
}
