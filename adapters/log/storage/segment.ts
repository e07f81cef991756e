import { HEADER_BYTES, lastOffset, verifyBatch } from '../../../src/formats/record-batch/index.ts'
import { type CLEANED, fileName } from './file-names.ts'
import { OffsetIndex } from './offset-index.ts'
import { type BatchVisitor, type ScanRange, type ScanResult, scanBatches } from './scan-batches.ts'
import { hasTimestamp, SegmentIndexes } from './segment-indexes.ts'
import type { SegmentStore, StoreFile } from './store.ts'
import { TimeIndex } from './time-index.ts'
import { type AbortedEntry, encodeAborted } from './transaction-index.ts'

const MAX_RELATIVE_OFFSET = 0x7fffffff

/**
 * One `.log` file with its two sparse indexes and the aborted transactions whose markers it holds. File and indexes are
 * opened when needed; those of sealed segments can be released again. Indexes grow in memory while appending and reach
 * the disk by `writeIndexes` alone: after a crash they are made again from the log.
 */
export class Segment {
  readonly baseOffset: number
  /** End of the segment's offsets, exclusive. */
  nextOffset: number
  /** Valid bytes of the log file. */
  sizeBytes = 0
  /** Ordered by `lastOffset`. */
  aborted: AbortedEntry[] = []
  /** False for the one that is appended to. */
  isSealed = true
  /** When the first batch came, for rolling by age; milliseconds since the epoch. */
  begunAtMs = 0
  readonly #store: SegmentStore
  readonly #indexIntervalBytes: number
  #name: string
  #file: StoreFile | undefined
  #indexes: SegmentIndexes | undefined
  /** Kept when the indexes of a sealed segment are released. */
  #largest: number | undefined
  #pins = 0
  #retired = false

  /** `suffix` is `.cleaned` while compaction writes the segment. */
  constructor(
    store: SegmentStore,
    offset: number,
    indexIntervalBytes: number,
    suffix: '' | typeof CLEANED = '',
  ) {
    this.#store = store
    this.baseOffset = offset
    this.nextOffset = offset
    this.#indexIntervalBytes = indexIntervalBytes
    this.#name = this.logName + suffix
  }

  get logName(): string {
    return fileName(this.baseOffset, 'log')
  }

  get file(): StoreFile {
    if (this.#retired && this.#file === undefined) throw new Error(`${this.#name} was replaced or deleted`)
    return (this.#file ??= this.#store.open(this.#name))
  }

  /** False once the segment was deleted or replaced. */
  get isLive(): boolean {
    return !this.#retired
  }

  hasRoomFor(offset: number): boolean {
    return offset - this.baseOffset <= MAX_RELATIVE_OFFSET
  }

  /** Makes the file of a new segment. */
  create(): void {
    this.#file = this.#store.create(this.#name)
    this.beginIndexes()
  }

  /** Begins with empty indexes, before all of the segment is noted again. */
  beginIndexes(): void {
    this.#indexes = new SegmentIndexes(this.baseOffset, this.#indexIntervalBytes)
  }

  /** Appends a stamped batch. Throws the store's error, and then nothing has changed. */
  append(batch: Buffer): void {
    this.file.append(batch)
    this.note(batch, 0, this.sizeBytes, batch.length)
    this.sizeBytes += batch.length
    this.nextOffset = lastOffset(batch, 0) + 1
  }

  /** Takes the next batch into the indexes, after `beginIndexes` or `resume`. `newEntry` forces an entry. */
  note(buffer: Buffer, at: number, position: number, size: number, newEntry = false): void {
    this.#indexes!.note(buffer, at, position, size, newEntry)
  }

  /** The indexes: as they are, or from their files, or made again where those cannot be right. */
  async indexes(): Promise<SegmentIndexes> {
    if (this.#indexes !== undefined) return this.#indexes
    const span = this.nextOffset - this.baseOffset
    const offsets = OffsetIndex.decode(
      this.#store.readAll(fileName(this.baseOffset, 'index')),
      this.sizeBytes,
      span,
    )
    const times = TimeIndex.decode(this.#store.readAll(fileName(this.baseOffset, 'timeindex')), span)
    if (offsets === undefined || times === undefined) return this.rebuildIndexes()
    this.#indexes = new SegmentIndexes(this.baseOffset, this.#indexIntervalBytes, offsets, times)
    this.#indexes.isComplete = false
    return this.#indexes
  }

  /** Makes the indexes again from the headers in the log. Those of the segment that is appended to were never in a file. */
  async rebuildIndexes(): Promise<SegmentIndexes> {
    if (!this.isSealed) return this.#indexes!
    const fresh = new SegmentIndexes(this.baseOffset, this.#indexIntervalBytes)
    let end = 0
    await this.scan({ from: 0, offset: this.baseOffset }, (buffer, at, position, size) => {
      // An entry behind each damaged place lets readers get there without passing over it.
      fresh.note(buffer, at, position, size, position !== end)
      end = position + size
    })
    return (this.#indexes = fresh)
  }

  /** Walks through batches; without options, through headers from `from` to the end of the valid bytes. */
  async scan(
    range: Pick<ScanRange, 'from' | 'offset'> & Partial<ScanRange>,
    visit: BatchVisitor,
  ): Promise<ScanResult> {
    this.pin()
    try {
      const { file, sizeBytes: to } = this
      return await scanBatches(
        file,
        { to, upper: Number.MAX_SAFE_INTEGER, dense: false, verifyCrc: false, ...range },
        visit,
      )
    } finally {
      this.unpin()
    }
  }

  /** Shows the headers of the batches from the one that the index has at or before `offset`. */
  async scanFrom(offset: number, visit: BatchVisitor): Promise<ScanResult> {
    const start = (await this.indexes()).lookup(offset)
    if (start.lastOffset !== undefined && !(await this.#endsWith(start.position, start.lastOffset))) {
      const again = (await this.rebuildIndexes()).lookup(offset)
      return this.scan({ from: again.position, offset: this.baseOffset }, visit)
    }
    return this.scan({ from: start.position, offset: this.baseOffset }, visit)
  }

  /** An offset of this segment before which all records are older than `timestamp`. */
  async offsetBefore(timestamp: number): Promise<number> {
    const entry = (await this.indexes()).lookupTimestamp(timestamp)
    if (entry === undefined) return this.baseOffset
    if (await this.#agrees(entry)) return entry.lastOffset + 1
    const again = (await this.rebuildIndexes()).lookupTimestamp(timestamp)
    return again === undefined ? this.baseOffset : again.lastOffset + 1
  }

  /** -1 without records. What the time index does not cover is read once, and the answer kept. */
  async largestTimestamp(): Promise<number> {
    if (this.#indexes?.isComplete === true) return this.#indexes.largestTimestamp
    if (this.#largest !== undefined) return this.#largest
    const indexes = await this.indexes()
    const { largestTimestamp: timestamp, largestOffset } = indexes
    if (largestOffset >= 0 && !(await this.#agrees({ timestamp, lastOffset: largestOffset }))) {
      return (await this.rebuildIndexes()).largestTimestamp
    }
    await this.scanFrom(Math.max(this.baseOffset, largestOffset), (buffer, at) => {
      indexes.noteTimestamp(buffer, at)
    })
    indexes.isComplete = true
    return indexes.largestTimestamp
  }

  /**
   * Prepares the newest segment for appends after a clean stop; false where log and indexes are not as they were left.
   */
  async resume(): Promise<boolean> {
    await this.largestTimestamp()
    const tail = await this.scanFrom(this.nextOffset - 1, () => {})
    if (tail.position !== this.sizeBytes || tail.nextOffset !== this.nextOffset) return false
    this.#indexes!.resume(this.sizeBytes)
    return true
  }

  /** Writes what a sealed or closed segment has beside its log. */
  async writeIndexes(): Promise<void> {
    const indexes = await this.indexes()
    indexes.noteLargest()
    await this.#store.replace(fileName(this.baseOffset, 'index'), indexes.offsets.encode(), false)
    await this.#store.replace(fileName(this.baseOffset, 'timeindex'), indexes.times.encode(), false)
    await this.writeAborted()
  }

  /** Durable, unlike the indexes: an empty file could not be told from the absence of aborted transactions. */
  async writeAborted(): Promise<void> {
    await this.#store.replace(fileName(this.baseOffset, 'txnindex'), encodeAborted(this.aborted), true)
  }

  /** Deletes what lies beside the log. */
  async deleteIndexFiles(): Promise<void> {
    for (const suffix of ['index', 'timeindex', 'txnindex'] as const) {
      await this.#store.delete(fileName(this.baseOffset, suffix))
    }
  }

  /** The file got its final name. */
  renamed(): void {
    this.#name = this.logName
  }

  /** Keeps the file open until `unpin`. */
  pin(): void {
    this.#pins++
  }

  unpin(): void {
    if (--this.#pins === 0 && this.#retired) this.#close()
  }

  /** Gives up file and indexes until they are needed again; false while someone reads. For sealed segments. */
  release(): boolean {
    if (this.#pins > 0) return false
    if (this.#indexes?.isComplete === true) this.#largest = this.#indexes.largestTimestamp
    this.#indexes = undefined
    this.#close()
    return true
  }

  /** No one will look for the segment any more; who reads it may finish. */
  retire(): void {
    this.#retired = true
    if (this.#pins === 0) this.#close()
  }

  #close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  async #endsWith(position: number, last: number): Promise<boolean> {
    const header = Buffer.alloc(HEADER_BYTES)
    this.pin()
    try {
      if ((await this.file.read(header, 0, HEADER_BYTES, position)) < HEADER_BYTES) return false
    } finally {
      this.unpin()
    }
    return verifyBatch(header, 0, HEADER_BYTES, false).kind !== 'corrupt' && lastOffset(header, 0) === last
  }

  async #agrees(entry: { readonly timestamp: number; readonly lastOffset: number }): Promise<boolean> {
    let agrees = false
    await this.scanFrom(entry.lastOffset, (buffer, at) => {
      if (lastOffset(buffer, at) < entry.lastOffset) return true
      agrees = hasTimestamp(buffer, at, entry.timestamp, entry.lastOffset)
      return false
    })
    return agrees
  }
}
