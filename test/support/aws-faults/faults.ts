import type { Fault, HttpEffect, SetFault } from './fault.ts'

/** What a fault is held against. */
export interface Call {
  readonly operation: string
  readonly stream?: string | undefined
  readonly table?: string | undefined
  /** Those that the call touches; asked only where a fault names one. */
  readonly shards?: () => readonly string[]
}

/** A fault that meets a call. */
export interface MetFault<Effect = HttpEffect> {
  readonly effect: Effect
  readonly shard: string | undefined
}

class ActiveFault<Effect> implements SetFault {
  readonly fault: Fault<Effect>
  readonly #all: Set<ActiveFault<Effect>>
  hits = 0
  #seen = 0

  constructor(fault: Fault<Effect>, all: Set<ActiveFault<Effect>>) {
    this.fault = fault
    this.#all = all
  }

  remove(): void {
    this.#all.delete(this)
  }

  meets(call: Call, random: () => number): boolean {
    const { on, stream, table, shard, skip = 0, rate } = this.fault
    if (on !== undefined && (typeof on === 'string' ? on !== call.operation : !on.includes(call.operation))) {
      return false
    }
    if (stream !== undefined && stream !== call.stream) return false
    if (table !== undefined && table !== call.table) return false
    if (shard !== undefined && !call.shards?.().includes(shard)) return false
    if (++this.#seen <= skip) return false
    if (rate !== undefined && random() >= rate) return false
    const { times = rate === undefined ? 1 : Infinity } = this.fault
    if (++this.hits >= times) this.remove()
    return true
  }
}

/** The faults that are set, in their order. */
export class Faults<Effect extends { readonly kind: string } = HttpEffect> {
  readonly #active = new Set<ActiveFault<Effect>>()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  add(fault: Fault<Effect>): SetFault {
    const active = new ActiveFault(fault, this.#active)
    this.#active.add(active)
    return active
  }

  clear(): void {
    this.#active.clear()
  }

  /** What meets this call: every delay, and the first of each other kind. */
  meeting(call: Call): readonly MetFault<Effect>[] {
    const met: MetFault<Effect>[] = []
    for (const active of this.#active) {
      const { effect, shard } = active.fault
      if (effect.kind !== 'delay' && met.some((other) => other.effect.kind === effect.kind)) continue
      if (active.meets(call, this.#random)) met.push({ effect, shard })
    }
    return met
  }
}
