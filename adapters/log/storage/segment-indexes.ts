import { lastOffset, maxTimestamp, recordsCount } from '../../../src/formats/record-batch/index.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'

/** The offset index and the time index of one segment, in step with each other and built batch by batch. */
export class SegmentIndexes {
  readonly #baseOffset: number
  readonly #intervalBytes: number
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  #sinceEntryBytes = 0
  /** Whether `largestTimestamp` is that of all batches, and not only of those up to the last entry of a file. */
  isComplete = true
  /** Largest timestamp noted, and the last offset of the batch that has it; -1 while there is none. */
  largestTimestamp = -1
  #largestOffset = -1

  constructor(
    baseOffset: number,
    intervalBytes: number,
    offsets = new OffsetIndex(),
    times = new TimeIndex(),
  ) {
    this.#baseOffset = baseOffset
    this.#intervalBytes = intervalBytes
    this.offsets = offsets
    this.times = times
    const last = times.count - 1
    if (last >= 0) {
      this.largestTimestamp = times.timestamp(last)
      this.#largestOffset = baseOffset + times.relativeOffset(last)
    }
  }

  /** The last offset of the batch with the largest timestamp; -1 without one. */
  get largestOffset(): number {
    return this.#largestOffset
  }

  /**
   * Takes note of the next batch, which stands at `position`. An entry is made when more than the interval was
   * noted since the last one, as Kafka does, and where `newEntry` asks for one.
   */
  note(buffer: Buffer, at: number, position: number, size: number, newEntry = false): void {
    this.noteTimestamp(buffer, at)
    if (newEntry || this.#sinceEntryBytes > this.#intervalBytes) {
      this.offsets.append(lastOffset(buffer, at) - this.#baseOffset, position)
      this.noteLargest()
      this.#sinceEntryBytes = 0
    }
    this.#sinceEntryBytes += size
  }

  noteTimestamp(buffer: Buffer, at: number): void {
    // An empty batch, which compaction leaves, has a timestamp in its header but no record of it.
    if (recordsCount(buffer, at) === 0) return
    const timestamp = maxTimestamp(buffer, at)
    if (timestamp <= this.largestTimestamp) return
    this.largestTimestamp = timestamp
    this.#largestOffset = lastOffset(buffer, at)
  }

  /** Enters the largest timestamp, so that the last entry tells it: when the segment is sealed or closed. */
  noteLargest(): void {
    if (this.#largestOffset >= 0) {
      this.times.append(this.largestTimestamp, this.#largestOffset - this.#baseOffset)
    }
  }

  /** Goes on after the indexes were read from their files. */
  resume(logBytes: number): void {
    const last = this.offsets.count - 1
    this.#sinceEntryBytes = logBytes - (last < 0 ? 0 : this.offsets.position(last))
  }

  /** Where to begin to look for an offset. With `lastOffset`, the batch that begins there has to end with it, or the index is wrong. */
  lookup(offset: number): { readonly position: number; readonly lastOffset: number | undefined } {
    const i = this.offsets.lookup(offset - this.#baseOffset)
    if (i < 0) return { position: 0, lastOffset: undefined }
    return {
      position: this.offsets.position(i),
      lastOffset: this.#baseOffset + this.offsets.relativeOffset(i),
    }
  }

  /** The batch up to which all records are older than `timestamp`, if the index knows one. */
  lookupTimestamp(
    timestamp: number,
  ): { readonly timestamp: number; readonly lastOffset: number } | undefined {
    const i = this.times.lookup(timestamp)
    if (i < 0) return undefined
    return {
      timestamp: this.times.timestamp(i),
      lastOffset: this.#baseOffset + this.times.relativeOffset(i),
    }
  }
}

/** Whether the batch at `at` is the one that a time index entry names. */
export function hasTimestamp(buffer: Buffer, at: number, timestamp: number, last: number): boolean {
  return lastOffset(buffer, at) === last && maxTimestamp(buffer, at) === timestamp
}
