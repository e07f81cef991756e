import type { Origin } from '../records/index.ts'

/** Of one generation; two are remembered. */
const GENERATION = 16_384

/** The producers' own numbers of the last 16,384 to 32,768 records of a shard that carried some, to know doubles by. */
export class SeenOrigins {
  #newer = new Map<string, Set<number>>()
  #older = new Map<string, Set<number>>()
  #size = 0

  /** Whether it was there before; remembers it. */
  sawBefore({ producer, sequence }: Origin): boolean {
    const newer = this.#newer.get(producer)
    if (newer?.has(sequence) || this.#older.get(producer)?.has(sequence)) return true
    if (newer === undefined) this.#newer.set(producer, new Set([sequence]))
    else newer.add(sequence)
    if (++this.#size === GENERATION) {
      this.#older = this.#newer
      this.#newer = new Map()
      this.#size = 0
    }
    return false
  }
}
