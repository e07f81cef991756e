import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { FileStore } from '../../../../adapters/log/storage/file-store.ts'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import { PartitionLog, type PartitionLogOptions } from '../../../../adapters/log/storage/partition-log.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import type { CompressionName } from '../../../../src/formats/compression.ts'
import {
  baseOffset,
  batchSize,
  encodeBatch,
  encodeControlBatch,
  lastOffset,
  RecordBatchView,
} from '../../../../src/formats/record-batch/index.ts'

/** Both kinds of store; each call of `make` gives a new, empty one. */
export const STORES: readonly { name: string; make: () => SegmentStore }[] = [
  { name: 'files', make: () => new FileStore(path.join(temporaryFolder(), 'orders-0')) },
  { name: 'memory', make: () => new MemoryStore() },
]

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-storage-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A logger that keeps what it is told. */
export class Messages {
  readonly lines: string[] = []
  readonly details: object[] = []
  debug(): void {}
  info(): void {}
  warn(message: string, details: object = {}): void {
    this.lines.push(`warn ${message}`)
    this.details.push(details)
  }
  error(message: string, details: object = {}): void {
    this.lines.push(`error ${message}`)
    this.details.push(details)
  }
}

/** Opens `orders-0`; closed after the test. Time stands at 1,000,000 unless `now` is given. */
export async function openLog(
  store: SegmentStore,
  options: Partial<PartitionLogOptions> = {},
): Promise<PartitionLog> {
  const log = await PartitionLog.open(store, 'orders-0', {
    logger: new Messages(),
    now: () => 1_000_000,
    ...options,
  })
  onTestFinished(() => log.close())
  return log
}

export interface TestRecord {
  key: string | null
  value: string | null
  timestamp?: number
}

export interface TestBatchOptions {
  timestamp?: number
  producerId?: number
  producerEpoch?: number
  baseSequence?: number
  transactional?: boolean
  compression?: CompressionName
}

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))

/** A batch of these records; strings are values without a key. */
export function batchOf(records: readonly (string | TestRecord)[], options: TestBatchOptions = {}): Buffer {
  const encoded = records.map((record) => {
    const { key, value, timestamp } = typeof record === 'string' ? { key: null, value: record } : record
    return { key: bytes(key), value: bytes(value), headers: [], timestamp, partition: undefined }
  }) as Parameters<typeof encodeBatch>[0]
  return encodeBatch(encoded, undefined, 0, encoded.length, { timestamp: 1000, ...options })
}

export function markerOf(
  type: 'commit' | 'abort',
  producerId: number,
  producerEpoch = 0,
  coordinatorEpoch = 0,
): Buffer {
  return encodeControlBatch({
    type,
    producerId,
    producerEpoch,
    coordinatorEpoch,
    timestamp: 1000,
    baseOffset: 0,
  })
}

export interface ReadRecord {
  offset: number
  key: string | null
  value: string | null
}

const text = (view: Buffer | null) => (view === null ? null : view.toString())

/** All records from `from` on, read in steps of `maxBytes`; of committed transactions alone where asked to. */
export async function readRecords(
  log: PartitionLog,
  { from = log.startOffset, maxBytes = 1 << 20, committed = false } = {},
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = []
  const end = committed ? log.lastStableOffset : log.endOffset
  for (let at = from; at < end; ) {
    const buffer = await log.read(at, maxBytes, end)
    if (buffer.length === 0) throw new Error(`nothing at offset ${at}, before the end at ${end}`)
    const view = new RecordBatchView(buffer, 0, buffer.length, {
      from: at,
      ...(committed ? { aborted: log.abortedTransactions(at, end) } : {}),
    })
    for (let i = 0; i < view.count; i++) {
      records.push({ offset: view.offset(i), key: text(view.key(i)), value: text(view.value(i)) })
    }
    at = view.nextOffset
  }
  return records
}

export async function readValues(log: PartitionLog, options = {}): Promise<(string | null)[]> {
  return (await readRecords(log, options)).map((record) => record.value)
}

/** First and last offset of each batch, in order. */
export async function readBatches(log: PartitionLog): Promise<[number, number][]> {
  const batches: [number, number][] = []
  for (let at = log.startOffset; at < log.endOffset; ) {
    const buffer = await log.read(at, 1 << 20)
    for (let position = 0; position < buffer.length; position += batchSize(buffer, position)) {
      batches.push([baseOffset(buffer, position), lastOffset(buffer, position)])
      at = lastOffset(buffer, position) + 1
    }
  }
  return batches
}

/** A copy of all files, in memory: what a crash at this moment leaves behind. */
export function snapshotStore(store: SegmentStore): MemoryStore {
  const copy = new MemoryStore()
  for (const name of store.list()) copy.create(name).append(store.readAll(name)!)
  return copy
}

/** Overwrites bytes of a file. */
export async function patchFile(
  store: SegmentStore,
  name: string,
  change: (bytes: Buffer) => Buffer | undefined,
): Promise<void> {
  const content = store.readAll(name)!
  await store.replace(name, change(content) ?? content, false)
}

export const logFile = (offset: number): string => `${String(offset).padStart(20, '0')}.log`
