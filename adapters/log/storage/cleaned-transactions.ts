import {
  isTransactional,
  lastOffset,
  producerId,
  readControlMarker,
  recordsCount,
} from '../../../src/formats/record-batch/index.ts'
import type { AbortedEntry } from './transaction-index.ts'

interface OngoingAbort {
  readonly entry: AbortedEntry
  hasBatches: boolean
}

/**
 * Follows transactions while compaction walks through a log from its start: which batches were aborted, which markers
 * have nothing left to decide, and which aborted transactions still have batches. As Kafka's `CleanedTransactionMetadata`.
 */
export class CleanedTransactions {
  readonly #aborted: readonly AbortedEntry[]
  #next = 0
  readonly #ongoingAborts = new Map<number, OngoingAbort>()
  readonly #ongoingCommits = new Set<number>()
  /** Aborted transactions of which batches were seen, since the caller last took them. */
  #kept: AbortedEntry[] = []

  /** `aborted` by first offset, all that reach into what is walked through. */
  constructor(aborted: readonly AbortedEntry[]) {
    this.#aborted = aborted
  }

  /** Whether the data batch belongs to an aborted transaction. */
  isAborted(buffer: Buffer, at: number): boolean {
    this.#reach(lastOffset(buffer, at))
    if (!isTransactional(buffer, at)) return false
    const id = producerId(buffer, at)
    const abort = this.#ongoingAborts.get(id)
    if (abort === undefined) {
      this.#ongoingCommits.add(id)
      return false
    }
    abort.hasBatches = true
    return true
  }

  /** Whether no batch of the transaction that the marker ends was seen: it decides nothing any more. */
  isSpent(buffer: Buffer, at: number): boolean {
    this.#reach(lastOffset(buffer, at))
    if (recordsCount(buffer, at) === 0) return true
    const id = producerId(buffer, at)
    const marker = readControlMarker(buffer, at)
    if (marker === undefined) return false
    if (marker.type === 'commit') return !this.#ongoingCommits.delete(id)
    const abort = this.#ongoingAborts.get(id)
    this.#ongoingAborts.delete(id)
    if (abort?.hasBatches !== true) return true
    this.#kept.push(abort.entry)
    return false
  }

  /** The aborted transactions that the new segment has to list, by their markers. */
  takeKept(): AbortedEntry[] {
    const kept = this.#kept
    this.#kept = []
    return kept
  }

  #reach(offset: number): void {
    for (; this.#next < this.#aborted.length; this.#next++) {
      const entry = this.#aborted[this.#next]!
      if (entry.firstOffset > offset) return
      if (!this.#ongoingAborts.has(entry.producerId)) {
        this.#ongoingAborts.set(entry.producerId, { entry, hasBatches: false })
      }
    }
  }
}
