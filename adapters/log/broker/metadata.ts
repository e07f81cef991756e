import type { EncodedRecord, Logger, StreamError } from '../../../src/driver.ts'
import { encodeBatch, RecordBatchView } from '../../../src/formats/record-batch/index.ts'
import { PartitionLog } from '../storage/partition-log.ts'
import type { CommonLogOptions } from './common-log-options.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { StoreFactory } from './store-factory.ts'

/** The folder of the metadata; users' topics do not start with `__`. */
const NAME = '__millrace-0'
const SEGMENT_BYTES = 4 * 1024 * 1024
/** The active segment is never compacted, so it takes more than one. */
const COMPACT_AT_BYTES = 3 * SEGMENT_BYTES
const READ_BYTES = 4 * 1024 * 1024

/** The name of a metadata record; its first part says what it is of. */
export type MetadataKey = readonly string[]

/** A change of one metadata record: null removes it. */
export type MetadataChange = readonly [key: MetadataKey, value: object | null]

/** What was stored when the metadata was opened. */
export type StoredMetadata = readonly { readonly key: MetadataKey; readonly value: unknown }[]

/**
 * The broker's durable memory: topics, groups, transactional ids. Small JSON records by key in a compacted log of the
 * same format as any; the newest of a key counts. It is read once, at opening.
 */
export class Metadata {
  readonly #log: PartitionLog
  readonly #logger: Logger
  #compactAtBytes = COMPACT_AT_BYTES
  #compacting: Promise<void> | undefined

  private constructor(log: PartitionLog, logger: Logger) {
    this.#log = log
    this.#logger = logger
  }

  static async open(
    stores: StoreFactory,
    options: CommonLogOptions,
  ): Promise<{ metadata: Metadata; stored: StoredMetadata }> {
    const log = await PartitionLog.open(stores(NAME), NAME, { ...options, ...OPTIONS })
    try {
      return { metadata: new Metadata(log, options.logger), stored: await replay(log) }
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Appends the changes as one batch: all of them are there after a crash, or none. Written when it returns. */
  put(changes: readonly MetadataChange[]): void {
    if (changes.length === 0) return
    const records = changes.map(
      ([key, value]): EncodedRecord => ({
        key: Buffer.from(JSON.stringify(key)),
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
        headers: [],
        timestamp: undefined,
        partition: undefined,
      }),
    )
    this.#log.append(encodeBatch(records, undefined, 0, records.length, { timestamp: Date.now() }))
    if (this.#log.sizeBytes >= this.#compactAtBytes) this.#compacting ??= this.#compact()
  }

  /** Resolves when what was put is as durable as the log's `fsync` promises; undefined where it is already. */
  durable(): MaybePromise<void> {
    return this.#log.durable()
  }

  /** Bytes on the disk, for tests. */
  get sizeBytes(): number {
    return this.#log.sizeBytes
  }

  async close(): Promise<void> {
    await this.#log.close()
    await this.#compacting
  }

  /** Beside the work, when there is several times what is alive: opening reads all of it. */
  async #compact(): Promise<void> {
    try {
      const { bytesAfter } = await this.#log.compact()
      this.#compactAtBytes = Math.max(COMPACT_AT_BYTES, 3 * bytesAfter)
    } catch (error) {
      const { code, message } = error as StreamError
      this.#compactAtBytes = this.#log.sizeBytes + SEGMENT_BYTES
      if (code !== 'CLOSED')
        this.#logger.warn(`compaction of the metadata failed, it is tried again: ${message}`)
    }
    this.#compacting = undefined
  }
}

// Nobody reads on behind a compaction, so tombstones need not stay.
const OPTIONS = { segmentBytes: SEGMENT_BYTES, compacted: true, deleteRetentionMs: 60_000 } as const

async function replay(log: PartitionLog): Promise<StoredMetadata> {
  const values = new Map<string, string>()
  let offset = log.startOffset
  while (offset < log.endOffset) {
    const bytes = await log.read(offset, READ_BYTES)
    const view = new RecordBatchView(bytes, 0, bytes.length, { from: offset })
    for (let i = 0; i < view.count; i++) {
      const key = view.key(i)?.toString() ?? ''
      const value = view.value(i)
      // Set anew, so that the order is that of the last changes.
      values.delete(key)
      if (value !== null) values.set(key, value.toString())
    }
    offset = view.nextOffset
  }
  return Array.from(values, ([key, value]) => ({ key: JSON.parse(key), value: JSON.parse(value) }))
}
