/** How often which operation was called, also those that were refused: what cost figures are taken from. */
export class Calls {
  readonly #counts = new Map<string, number>()

  /** A PutRecords counts once, and once for each shard that it touches. */
  add(operation: string, stream?: string, shard?: string): void {
    const key = JSON.stringify([operation, stream, shard])
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  count(operation: string, where: { readonly stream?: string; readonly shard?: string } = {}): number {
    return this.#counts.get(JSON.stringify([operation, where.stream, where.shard])) ?? 0
  }

  /** All counts: operation, then `''` for the whole, `stream` and `stream/shard`. */
  snapshot(): Record<string, Record<string, number>> {
    const all: Record<string, Record<string, number>> = {}
    for (const [key, count] of this.#counts) {
      const [operation, stream, shard] = JSON.parse(key) as [string, string | null, string | null]
      const where = shard === null ? (stream ?? '') : `${stream}/${shard}`
      all[operation] = { ...all[operation], [where]: count }
    }
    return all
  }

  reset(): void {
    this.#counts.clear()
  }
}
