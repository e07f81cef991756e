import {
  baseOffset,
  indexBatch,
  isControl,
  producerId,
  type RecordIndex,
  recordsCount,
} from '../../../src/formats/record-batch/index.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { KeyOffsets } from './key-offsets.ts'
import type { ProducerState } from './producer-state.ts'
import { deleteHorizonMs, emptyBatch, rewriteBatch } from './rewrite-batch.ts'
import type { AbortedEntry } from './transaction-index.ts'

export interface BatchFilterOptions {
  readonly keys: KeyOffsets
  /** `keys` tells nothing about records from here on. */
  readonly mapEnd: number
  readonly transactions: CleanedTransactions
  readonly producers: ProducerState
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

/**
 * Decides what compaction leaves of a batch, by the rules of Kafka's `Cleaner` and `MemoryRecords.filterTo`. One thing
 * differs: a record without a key, which Kafka would drop, is kept, because it was acknowledged.
 */
export class BatchFilter {
  readonly #options: BatchFilterOptions
  /** When the next tombstone or marker is due, of those kept; Infinity without any. */
  nextHorizonMs = Number.POSITIVE_INFINITY
  recordsRemoved = 0

  constructor(options: BatchFilterOptions) {
    this.#options = options
  }

  /** The bytes to keep, a view of `buffer` where the batch stays as it is; undefined: nothing. `mustStay`: at least empty. */
  filter(buffer: Buffer, at: number, size: number, mustStay: boolean): Buffer | undefined {
    const { transactions, producers, nowMs, deleteRetentionMs } = this.#options
    const control = isControl(buffer, at)
    const isObsolete = control ? transactions.isSpent(buffer, at) : transactions.isAborted(buffer, at)
    const horizon = deleteHorizonMs(buffer, at)
    // A spent marker waits as long as a tombstone does, for readers that are in the middle of its transaction.
    const dropsAll = isObsolete && (!control || (horizon !== undefined && horizon <= nowMs))
    const count = recordsCount(buffer, at)
    const keeps = new Uint8Array(count)
    let kept = 0
    let hasTombstones = false
    if (!dropsAll && count > 0) {
      if (control) {
        kept = count
        keeps.fill(1)
      } else {
        const records = indexBatch(buffer, at)
        for (let i = 0; i < count; i++) {
          if (!this.#keeps(records, i, horizon)) continue
          keeps[i] = 1
          kept++
          if (records.slots[i * 4 + 3]! < 0) hasTombstones = true
        }
      }
    }
    this.recordsRemoved += count - kept
    if (kept === 0) {
      const tells = producerId(buffer, at) >= 0 && producers.isLastOf(buffer, at)
      return mustStay || tells ? emptyBatch(buffer, at) : undefined
    }
    const needsHorizon = horizon === undefined && (hasTombstones || (control && isObsolete))
    const newHorizon = needsHorizon ? nowMs + deleteRetentionMs : horizon
    if (newHorizon !== undefined && (hasTombstones || control))
      this.nextHorizonMs = Math.min(this.nextHorizonMs, newHorizon)
    if (kept === count && !needsHorizon) return buffer.subarray(at, at + size)
    return rewriteBatch(buffer, at, (i) => keeps[i] === 1, needsHorizon ? newHorizon : undefined)
  }

  /** The aborted transactions that still have batches, since the last call, by their markers. */
  takeKeptAborts(): AbortedEntry[] {
    return this.#options.transactions.takeKept()
  }

  #keeps(records: RecordIndex, i: number, horizon: number | undefined): boolean {
    const { keys, mapEnd, nowMs } = this.#options
    const { bytes, slots, deltas } = records
    const offset = records.baseOffset + (deltas === undefined ? i : deltas[i]!)
    if (offset >= mapEnd) return true
    const length = slots[i * 4 + 1]!
    if (length < 0) return true
    const from = slots[i * 4]!
    const newest = keys.get(bytes, from, from + length)
    if (newest !== undefined && offset < newest) return false
    const isTombstone = slots[i * 4 + 3]! < 0
    return !isTombstone || horizon === undefined || nowMs < horizon
  }
}

/** Enters the keys of a data batch. */
export function mapBatchKeys(keys: KeyOffsets, buffer: Buffer, at: number): void {
  const { bytes, slots, deltas, count } = indexBatch(buffer, at)
  const base = baseOffset(buffer, at)
  for (let i = 0; i < count; i++) {
    const length = slots[i * 4 + 1]!
    if (length < 0) continue
    const from = slots[i * 4]!
    keys.put(bytes, from, from + length, base + (deltas === undefined ? i : deltas[i]!))
  }
}
