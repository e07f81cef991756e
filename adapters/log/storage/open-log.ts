import type { Logger } from '../../../src/driver.ts'
import { baseOffset, HEADER_BYTES } from '../../../src/formats/record-batch/index.ts'
import { type Checkpoint, NO_CHECKPOINT, readCheckpoint } from './checkpoint.ts'
import { fileName } from './file-names.ts'
import type { LogErrors } from './log-errors.ts'
import { tidyFiles } from './log-files.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import type { SegmentStore } from './store.ts'
import { type AbortedEntry, decodeAborted } from './transaction-index.ts'

export interface OpenLogOptions {
  readonly indexIntervalBytes: number
  readonly logger: Logger
  readonly nowMs: number
}

/** What recovery cut off. */
export interface Recovered {
  readonly truncatedBytes: number
  /** The offset at which the log now ends. */
  readonly fromOffset: number
}

export interface OpenedLog {
  readonly segments: SegmentList
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly checkpoint: Checkpoint
  /** False: the newest segment was verified, because the log had not been closed. */
  readonly wasClosed: boolean
  readonly recovered: Recovered | undefined
}

/**
 * Reads a log's folder into memory, or begins a new log in an empty one. Of sealed segments only the last batches are
 * looked at. The newest is taken as it was closed; or, after a crash, read and verified whole: a torn end is cut off,
 * damage with valid batches behind it stays. INVALID_ARGUMENT where the folder is not a log's or segments are missing.
 */
export async function openLog(
  store: SegmentStore,
  errors: LogErrors,
  options: OpenLogOptions,
): Promise<OpenedLog> {
  const files = await tidyFiles(store, errors)
  const checkpoint = readCheckpoint(store) ?? NO_CHECKPOINT
  const snapshots = new ProducerSnapshots(store, files.snapshots)
  if (files.segments.length === 0) {
    if (checkpoint.recoveryPoint > checkpoint.startOffset) {
      throw errors.of(
        'INVALID_ARGUMENT',
        `${store.location} had records up to offset ${checkpoint.recoveryPoint} and has no segment now: ` +
          'restore its .log files, or delete the folder to begin anew',
      )
    }
    const segment = beginSegment(store, checkpoint.startOffset, options)
    const producers = snapshots.read(-1).state
    return {
      segments: new SegmentList([segment]),
      producers,
      snapshots,
      checkpoint,
      wasClosed: false,
      recovered: undefined,
    }
  }
  const list = files.segments.map((base) => new Segment(store, base, options.indexIntervalBytes))
  const opening = new Opening(store, list, errors, options, snapshots, checkpoint)
  return opening.run()
}

function beginSegment(store: SegmentStore, offset: number, options: OpenLogOptions): Segment {
  const segment = new Segment(store, offset, options.indexIntervalBytes)
  segment.create()
  segment.isSealed = false
  return segment
}

class Opening {
  readonly #store: SegmentStore
  readonly #list: Segment[]
  readonly #errors: LogErrors
  readonly #options: OpenLogOptions
  readonly #snapshots: ProducerSnapshots
  readonly #checkpoint: Checkpoint

  constructor(
    store: SegmentStore,
    list: Segment[],
    errors: LogErrors,
    options: OpenLogOptions,
    snapshots: ProducerSnapshots,
    checkpoint: Checkpoint,
  ) {
    this.#store = store
    this.#list = list
    this.#errors = errors
    this.#options = options
    this.#snapshots = snapshots
    this.#checkpoint = checkpoint
  }

  async run(): Promise<OpenedLog> {
    const list = this.#list
    const newest = list.at(-1)!
    for (const [i, segment] of list.entries()) {
      segment.sizeBytes = segment.file.sizeBytes
      segment.nextOffset = list[i + 1]?.baseOffset ?? segment.baseOffset
      await this.#checkStart(segment)
      if (segment !== newest) await this.#checkSealed(segment)
    }
    let recovered: Recovered | undefined
    let producers: ProducerState | undefined
    const wasClosed = await this.#resume(newest)
    if (wasClosed) {
      producers = await this.#replay(newest.nextOffset)
      newest.aborted = this.#readAborted(newest) ?? (await this.#findAborted(newest))
    } else {
      producers = await this.#replay(newest.baseOffset)
      recovered = await this.#recover(newest, producers)
    }
    await this.#snapshots.truncate(newest.nextOffset)
    for (const segment of list) {
      if (segment === newest) continue
      const aborted = this.#readAborted(segment)
      segment.aborted = aborted ?? (await this.#findAborted(segment))
      if (aborted === undefined) await segment.writeIndexes()
      segment.release()
    }
    producers.expire(this.#options.nowMs)
    newest.isSealed = false
    newest.begunAtMs = (wasClosed ? this.#checkpoint.clean?.begunAtMs : undefined) ?? this.#options.nowMs
    return {
      segments: new SegmentList(await this.#passDeleted(list)),
      producers,
      snapshots: this.#snapshots,
      checkpoint: this.#checkpoint,
      wasClosed,
      recovered,
    }
  }

  /**
   * A crash can take records that had been deleted: the log then ends before its start. It goes on at the start, so
   * that no offset is given twice.
   */
  async #passDeleted(list: Segment[]): Promise<Segment[]> {
    const { startOffset } = this.#checkpoint
    if (list.at(-1)!.nextOffset >= startOffset) return list
    const fresh = beginSegment(this.#store, startOffset, this.#options)
    for (const segment of list) {
      segment.retire()
      await this.#store.delete(segment.logName)
      await segment.deleteIndexFiles()
    }
    return [fresh]
  }

  /** Refuses what was never a log of this format, before anything of it could be cut off. */
  async #checkStart(segment: Segment): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES)
    const length = await segment.file.read(header, 0, HEADER_BYTES, 0)
    const magic = header[16]!
    if (length <= 16 || magic === 2 || header.every((byte) => byte === 0)) return
    const first = header.readBigInt64BE(0)
    const isOurs =
      magic > 2 && first >= segment.baseOffset && first < BigInt(segment.baseOffset) + 0x8000_0000n
    if (isOurs) return
    const { damages } = await segment.scan({ from: 0, offset: segment.baseOffset }, () => false)
    if (damages[0]?.next != null) return
    throw this.#errors.of(
      'INVALID_ARGUMENT',
      `${segment.logName} in ${this.#store.location} does not hold record batches of Kafka's magic 2 ` +
        `(its magic is ${magic}): choose another folder, or convert it by reading and writing it with Kafka 0.11 to 3`,
    )
  }

  /** A sealed segment ends where the next one begins. */
  async #checkSealed(segment: Segment): Promise<void> {
    const isSynced = segment.nextOffset <= this.#checkpoint.recoveryPoint
    const end = await segment.scanFrom(segment.nextOffset - 1, () => {})
    const file = { file: segment.logName, folder: this.#store.location }
    const [damage] = end.damages
    if (damage !== undefined) {
      this.#options.logger.error(`${this.#errors.name}: a segment is damaged; reads there will fail`, {
        ...file,
        ...damage,
      })
    } else if (end.nextOffset < segment.nextOffset && !isSynced) {
      this.#options.logger.error(
        `${this.#errors.name}: the end of a segment was lost; reads there will fail`,
        {
          ...file,
          offset: end.nextOffset,
          next: segment.nextOffset,
        },
      )
    } else if (end.nextOffset !== segment.nextOffset) {
      throw this.#errors.of(
        'INVALID_ARGUMENT',
        `${this.#store.location} has segments that do not follow each other: ${segment.logName} ends at offset ` +
          `${end.nextOffset}, the next is ${fileName(segment.nextOffset, 'log')}. Restore what is missing between them, ` +
          'or move the segments before the gap away',
      )
    }
  }

  /** Whether the newest segment is as it was closed. */
  async #resume(newest: Segment): Promise<boolean> {
    const { clean } = this.#checkpoint
    if (clean?.baseOffset !== newest.baseOffset || clean.sizeBytes !== newest.sizeBytes) return false
    newest.nextOffset = clean.endOffset
    return newest.resume()
  }

  /** Reads and verifies the newest segment and cuts a torn end off. */
  async #recover(newest: Segment, producers: ProducerState): Promise<Recovered | undefined> {
    newest.beginIndexes()
    newest.aborted = []
    let end = 0
    const range = { from: 0, offset: newest.baseOffset, dense: true, verifyCrc: true }
    const result = await newest.scan(range, (buffer, at, position, size) => {
      newest.note(buffer, at, position, size, position !== end)
      end = position + size
      const aborted = producers.apply(buffer, at, this.#options.nowMs)
      if (aborted !== undefined) newest.aborted.push(aborted)
    })
    newest.nextOffset = result.nextOffset
    let recovered: Recovered | undefined
    for (const damage of result.damages) {
      const where = { file: newest.logName, folder: this.#store.location, offset: damage.offset }
      if (damage.next !== null) {
        this.#options.logger.error(
          `${this.#errors.name}: damage with valid batches behind it; reads there will fail`,
          { ...where, position: damage.position, reason: damage.reason, next: damage.next.offset },
        )
        continue
      }
      recovered = { truncatedBytes: newest.sizeBytes - damage.position, fromOffset: damage.offset }
      this.#options.logger.warn(`${this.#errors.name}: a torn end was cut off`, {
        ...where,
        truncatedBytes: recovered.truncatedBytes,
        reason: damage.reason,
      })
      newest.file.truncate(damage.position)
      newest.sizeBytes = damage.position
    }
    return recovered
  }

  /** The producer state before `offset`, from the newest snapshot and the headers after it. */
  async #replay(offset: number, seen?: (aborted: AbortedEntry) => void): Promise<ProducerState> {
    const { offset: from, state } = this.#snapshots.read(offset)
    for (const segment of this.#list) {
      if (segment.nextOffset <= from || segment.baseOffset >= offset) continue
      await segment.scanFrom(Math.max(from, segment.baseOffset), (buffer, at) => {
        const base = baseOffset(buffer, at)
        if (base >= offset) return false
        if (base < from) return true
        const aborted = state.apply(buffer, at, this.#options.nowMs)
        if (aborted !== undefined) seen?.(aborted)
        return true
      })
    }
    return state
  }

  #readAborted(segment: Segment): AbortedEntry[] | undefined {
    const bytes = this.#store.readAll(fileName(segment.baseOffset, 'txnindex'))
    return decodeAborted(bytes, segment.baseOffset, segment.nextOffset)
  }

  /** Finds a segment's aborted transactions again from the markers in the log. */
  async #findAborted(segment: Segment): Promise<AbortedEntry[]> {
    const { baseOffset: base } = segment
    const found: AbortedEntry[] = []
    // From a snapshot at or before the segment's base, so that transactions open there are known.
    const { offset: from, state } = this.#snapshots.read(base)
    for (const other of this.#list) {
      if (other.nextOffset <= from || other.baseOffset > base) continue
      await other.scanFrom(Math.max(from, other.baseOffset), (buffer, at) => {
        if (baseOffset(buffer, at) < from) return
        const aborted = state.apply(buffer, at, this.#options.nowMs)
        if (aborted !== undefined && other === segment) found.push(aborted)
      })
    }
    return found
  }
}
