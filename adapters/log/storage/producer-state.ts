import {
  baseOffset,
  baseSequence,
  isControl,
  isTransactional,
  lastOffset,
  lastOffsetDelta,
  producerEpoch,
  producerId,
  readControlMarker,
} from '../../../src/formats/record-batch/index.ts'
import type { LogErrors } from './log-errors.ts'
import type { AbortedEntry } from './transaction-index.ts'

interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
}

interface ProducerEntry {
  epoch: number
  /** Of the coordinator that wrote the last marker; -1 before one. */
  coordinatorEpoch: number
  /** Of this epoch, oldest first. */
  batches: RememberedBatch[]
  /** First offset of the open transaction; -1 without one. */
  openFrom: number
  lastSeenMs: number
}

const REMEMBERED_BATCHES = 5
const EXPIRY_MS = 24 * 60 * 60 * 1000
const MAX_SEQUENCE = 0x7fffffff

/**
 * What a log knows of the producers that write to it, by Kafka's rules (`ProducerStateManager`, `ProducerAppendInfo`):
 * sequences, epochs, open transactions. Producers unheard of for a day by the log's clock are forgotten, unless a transaction of
 * theirs is open; then any sequence is a start.
 */
export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>()
  readonly #open = new Map<number, number>()
  #firstOpen = -1

  /** First offset of the oldest open transaction; -1 without one. */
  get firstOpenOffset(): number {
    return this.#firstOpen
  }

  /**
   * Whether the batch may be appended: undefined, or the base offset that it got when it was appended before. Changes nothing.
   * FENCED for an older epoch, INVALID_ARGUMENT for a sequence out of order or a plain batch within a transaction.
   */
  check(batch: Buffer, errors: LogErrors): number | undefined {
    const id = producerId(batch, 0)
    const control = isControl(batch, 0)
    if (id < 0) {
      if (!control && !isTransactional(batch, 0)) return undefined
      throw errors.of(
        'INVALID_ARGUMENT',
        'a transactional batch without a producer id: get one from the log first',
      )
    }
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    const epoch = producerEpoch(batch, 0)
    if (epoch < entry.epoch) {
      throw errors.of(
        'FENCED',
        `producer ${id} of epoch ${epoch} was replaced by one of epoch ${entry.epoch}: close this one, ` +
          'or give each running producer a transactional id of its own',
      )
    }
    if (control) {
      const marker = readControlMarker(batch, 0)
      if (marker !== undefined && marker.coordinatorEpoch < entry.coordinatorEpoch) {
        throw errors.of(
          'FENCED',
          `a transaction coordinator of epoch ${marker.coordinatorEpoch} was replaced by one of epoch ` +
            `${entry.coordinatorEpoch}: stop this one`,
        )
      }
      return undefined
    }
    return checkSequence(batch, id, entry, errors)
  }

  /**
   * Takes note of a batch that is in the log, checking nothing. An aborted transaction that its marker ended is returned.
   */
  apply(buffer: Buffer, at: number, nowMs: number): AbortedEntry | undefined {
    const id = producerId(buffer, at)
    if (id < 0) return undefined
    const marker = readControlMarker(buffer, at)
    // Compaction leaves empty control batches, which end nothing.
    if (marker === undefined && isControl(buffer, at)) return undefined
    const epoch = producerEpoch(buffer, at)
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { epoch, coordinatorEpoch: -1, batches: [], openFrom: -1, lastSeenMs: nowMs }
      this.#entries.set(id, entry)
    }
    entry.lastSeenMs = nowMs
    if (entry.epoch !== epoch) {
      entry.epoch = epoch
      entry.batches = []
    }
    const base = baseOffset(buffer, at)
    if (marker !== undefined) {
      entry.coordinatorEpoch = marker.coordinatorEpoch
      return this.#end(id, entry, base, marker.type === 'abort')
    }
    const firstSequence = baseSequence(buffer, at)
    if (firstSequence >= 0) {
      entry.batches.push({
        firstSequence,
        lastSequence: advance(firstSequence, lastOffsetDelta(buffer, at)),
        baseOffset: base,
        lastOffset: lastOffset(buffer, at),
      })
      if (entry.batches.length > REMEMBERED_BATCHES) entry.batches.shift()
    }
    if (entry.openFrom < 0 && isTransactional(buffer, at)) {
      entry.openFrom = base
      this.#open.set(id, base)
      if (this.#firstOpen < 0) this.#firstOpen = base
    }
    return undefined
  }

  /** Whether compaction has to keep this batch, if need be without its records: it tells the producer's last sequence or epoch. */
  isLastOf(buffer: Buffer, at: number): boolean {
    const entry = this.#entries.get(producerId(buffer, at))
    if (entry === undefined) return false
    const last = entry.batches.at(-1)
    if (last !== undefined) return lastOffset(buffer, at) === last.lastOffset
    return isControl(buffer, at) && producerEpoch(buffer, at) === entry.epoch
  }

  /** Forgets producers unheard of for a day. */
  expire(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (entry.openFrom < 0 && nowMs - entry.lastSeenMs >= EXPIRY_MS) this.#entries.delete(id)
    }
  }

  /** Plain data, for a snapshot. */
  toJSON(): unknown {
    return [...this.#entries].map(([id, { epoch, coordinatorEpoch, batches, openFrom, lastSeenMs }]) => [
      id,
      epoch,
      coordinatorEpoch,
      openFrom,
      lastSeenMs,
      batches.map((batch) => [batch.firstSequence, batch.lastSequence, batch.baseOffset, batch.lastOffset]),
    ])
  }

  /** The state that `toJSON` gave. */
  static fromJSON(data: unknown): ProducerState {
    const state = new ProducerState()
    type Row = [number, number, number, number, number, [number, number, number, number][]]
    for (const [id, epoch, coordinatorEpoch, openFrom, lastSeenMs, batches] of data as Row[]) {
      state.#entries.set(id, {
        epoch,
        coordinatorEpoch,
        openFrom,
        lastSeenMs,
        batches: batches.map(([firstSequence, lastSequence, base, last]) => ({
          firstSequence,
          lastSequence,
          baseOffset: base,
          lastOffset: last,
        })),
      })
      if (openFrom >= 0) state.#open.set(id, openFrom)
    }
    state.#findFirstOpen()
    return state
  }

  #end(id: number, entry: ProducerEntry, markerOffset: number, aborted: boolean): AbortedEntry | undefined {
    const firstOffset = entry.openFrom
    // A transaction without records here leaves nothing to hide.
    if (firstOffset < 0) return undefined
    entry.openFrom = -1
    this.#open.delete(id)
    if (firstOffset === this.#firstOpen) this.#findFirstOpen()
    if (!aborted) return undefined
    const lastStableOffset = this.#firstOpen < 0 ? markerOffset + 1 : this.#firstOpen
    return { producerId: id, firstOffset, lastOffset: markerOffset, lastStableOffset }
  }

  #findFirstOpen(): void {
    let first = -1
    for (const offset of this.#open.values()) if (first < 0 || offset < first) first = offset
    this.#firstOpen = first
  }
}

function checkSequence(
  batch: Buffer,
  id: number,
  entry: ProducerEntry,
  errors: LogErrors,
): number | undefined {
  const first = baseSequence(batch, 0)
  const last = advance(first, lastOffsetDelta(batch, 0))
  const sameEpoch = producerEpoch(batch, 0) === entry.epoch
  if (sameEpoch) {
    const same = entry.batches.find((seen) => seen.firstSequence === first && seen.lastSequence === last)
    if (same !== undefined) return same.baseOffset
  }
  if (entry.openFrom >= 0 && !isTransactional(batch, 0)) {
    throw errors.of(
      'INVALID_ARGUMENT',
      `producer ${id} wrote outside its open transaction: end the transaction first`,
    )
  }
  // Coordinators write without sequences.
  if (first < 0) return undefined
  const previous = sameEpoch ? entry.batches.at(-1)?.lastSequence : undefined
  const due = previous === undefined ? 0 : advance(previous, 1)
  if (first !== due) {
    throw errors.of(
      'INVALID_ARGUMENT',
      `producer ${id} sent sequence ${first} where ${due} is due: batches were lost or overtook each other, ` +
        'open a new producer',
    )
  }
  return undefined
}

/** Sequences run from 0 to 2^31 - 1 and begin again. */
function advance(sequence: number, by: number): number {
  const next = sequence + by
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next
}
