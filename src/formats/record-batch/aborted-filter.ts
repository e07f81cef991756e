/** A transaction whose records a read_committed reader does not get to see. */
export interface AbortedTransaction {
  readonly producerId: number
  /** The offset of its first record. */
  readonly firstOffset: number
  /**
   * The offset of its abort marker, where it is known. Without it, as in Kafka's fetch answer, the list must
   * hold only transactions that reach into the range read.
   */
  readonly lastOffset?: number
}

/** Whether the transactional batch of that producer at that base offset belongs to an aborted transaction. */
export type IsAborted = (producerId: number, baseOffset: number) => boolean

/**
 * Tells aborted batches from others while batches pass in the order of their offsets, as Kafka's consumer
 * does: a producer is aborted from the first offset of its entry until its next control batch, whatever other
 * producers do between.
 */
export class AbortedFilter {
  readonly #isAborted: IsAborted | undefined
  readonly #pending: readonly AbortedTransaction[]
  #next = 0
  readonly #active = new Map<number, number>()

  constructor(aborted: readonly AbortedTransaction[] | IsAborted) {
    this.#isAborted = typeof aborted === 'function' ? aborted : undefined
    this.#pending =
      typeof aborted === 'function' ? [] : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** For each transactional data batch. */
  isAborted(producerId: number, baseOffset: number, lastOffset: number): boolean {
    if (this.#isAborted !== undefined) return this.#isAborted(producerId, baseOffset)
    this.#reach(lastOffset)
    const until = this.#active.get(producerId)
    return until !== undefined && baseOffset <= until
  }

  /** For each transactional control batch: the producer's transaction ends here, either way. */
  end(producerId: number, offset: number): void {
    this.#reach(offset)
    this.#active.delete(producerId)
  }

  #reach(offset: number): void {
    for (; this.#next < this.#pending.length; this.#next++) {
      const entry = this.#pending[this.#next]!
      if (entry.firstOffset > offset) return
      this.#active.set(entry.producerId, entry.lastOffset ?? Number.POSITIVE_INFINITY)
    }
  }
}
