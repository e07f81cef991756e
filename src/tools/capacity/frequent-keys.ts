/** A key that came often, of so many records. */
export interface KeyCount {
  /** Hexadecimal. */
  readonly key: string
  /** At most 0.1 % of all below the truth. */
  readonly records: number
}

const BUCKET = 1_000

/** Counts the keys that carry more than a thousandth of the records, in bounded memory (lossy counting of Manku and Motwani). */
export class FrequentKeys {
  readonly #counts = new Map<string, { records: number; missed: number }>()
  #total = 0

  add(key: Uint8Array): void {
    this.#total++
    const bucket = Math.ceil(this.#total / BUCKET)
    const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex')
    const known = this.#counts.get(name)
    if (known !== undefined) known.records++
    else this.#counts.set(name, { records: 1, missed: bucket - 1 })
    if (this.#total % BUCKET !== 0) return
    for (const [each, { records, missed }] of this.#counts) {
      if (records + missed <= bucket) this.#counts.delete(each)
    }
  }

  /** Those counted most, most first. */
  top(count: number): KeyCount[] {
    return [...this.#counts]
      .map(([key, { records }]) => ({ key, records }))
      .sort((a, b) => b.records - a.records)
      .slice(0, count)
  }
}
