import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { PartitionLog, PartitionLogOptions } from '../../../../adapters/log/storage/partition-log.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { COMPRESSION_NAMES } from '../../../../src/formats/compression.ts'
import { RecordBatchView } from '../../../../src/formats/record-batch/index.ts'
import { CrashingStore } from './crashing-store.ts'
import { FaultyStore } from './faulty-store.ts'
import {
  batchOf,
  logFile,
  markerOf,
  openLog,
  patchFile,
  readBatches,
  readRecords,
  readValues,
  STORES,
  snapshotStore,
  type TestBatchOptions,
} from './fixtures.ts'

const COMPACTED = { segmentBytes: 400, compacted: true } satisfies Partial<PartitionLogOptions>

/** `a=1` sets, `a` deletes. */
function set(...texts: string[]): Buffer {
  return setWith({}, ...texts)
}

function setWith(options: TestBatchOptions, ...texts: string[]): Buffer {
  const records = texts.map((text) => {
    const [key, value] = text.split('=')
    return { key: key!, value: value ?? null }
  })
  return batchOf(records, options)
}

async function contents(log: PartitionLog, options = {}): Promise<string[]> {
  const records = await readRecords(log, options)
  return records.map(({ offset, key, value }) => `${offset} ${key}${value === null ? '' : `=${value}`}`)
}

/** Fills up the active segment, so that all before is sealed. */
function seal(log: PartitionLog): void {
  log.append(batchOf(['filler '.repeat(60)]))
}

const fillers = (entries: string[]) => entries.filter((entry) => !entry.includes('filler'))

describe.each(STORES)('compaction, $name', ({ make }) => {
  it('keeps the newest record of each key at its offset', async () => {
    const store = make()
    const log = await openLog(store, COMPACTED)
    log.append(set('a=1', 'b=1', 'c=1'))
    log.append(set('a=2'))
    log.append(set('b=2', 'd=1', 'b=3'))
    seal(log)
    log.append(set('c=2'))
    const report = await log.compact()
    expect(report).toMatchObject({ segmentsBefore: 2, recordsRemoved: 3, cleanedOffset: 8 })
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore)
    const expected = ['2 c=1', '3 a=2', '5 d=1', '6 b=3', '8 c=2']
    expect(fillers(await contents(log))).toEqual(expected)
    expect(log.endOffset).toBe(9)
    const crashed = snapshotStore(store)
    await log.close()
    for (const left of [store, crashed]) {
      const again = await openLog(left, COMPACTED)
      expect(again.recovered).toBeUndefined()
      expect(fillers(await contents(again))).toEqual(expected)
      // A reader at an offset that is gone goes on at the next.
      expect((await contents(again, { from: 4 }))[0]).toBe('5 d=1')
    }
  })

  it('does so in every codec, and leaves batches alone that lose nothing', async () => {
    const log = await openLog(make(), { ...COMPACTED, segmentBytes: 4000 })
    for (const compression of COMPRESSION_NAMES) {
      log.append(setWith({ compression }, `${compression}=1`, 'a=1', 'b=1', `${compression}=2`))
    }
    log.append(batchOf(['filler '.repeat(600)]))
    await log.compact()
    expect(fillers(await contents(log))).toEqual([
      '3 none=2',
      '7 gzip=2',
      '11 snappy=2',
      '15 lz4=2',
      '17 a=1',
      '18 b=1',
      '19 zstd=2',
    ])
    expect(await readBatches(log)).toEqual([
      [0, 3],
      [4, 7],
      [8, 11],
      [12, 15],
      [16, 19],
      [20, 20],
    ])
  })

  it('takes several rounds where the keys do not fit into memory', async () => {
    const log = await openLog(make(), { ...COMPACTED, compactionKeys: 5 })
    for (let i = 0; i < 100; i++) log.append(set(`${i % 20}=${i}`))
    seal(log)
    log.append(set('last=1'))
    await log.compact()
    expect(fillers(await contents(log))).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `${80 + i} ${i}=${80 + i}`),
      '101 last=1',
    ])
  })

  it('joins segments that became small, and leaves no gap', async () => {
    const store = make()
    const log = await openLog(store, COMPACTED)
    for (let i = 0; i < 100; i++) log.append(set(`${i % 3}=${i}`))
    const before = store.list().filter((name) => name.endsWith('.log')).length
    const first = await log.compact()
    expect(first.segmentsBefore).toBe(before - 1)
    await log.compact()
    for (let i = 100; i < 120; i++) log.append(set(`${i % 3}=${i}`))
    const report = await log.compact()
    expect(report.segmentsAfter).toBeLessThan(report.segmentsBefore)
    const newest = (await contents(log)).slice(-3)
    expect(newest).toEqual(['117 0=117', '118 1=118', '119 2=119'])
    for (let from = 0; from < 120; from += 11) {
      const [record] = await readRecords(log, { from })
      expect(record!.offset).toBeGreaterThanOrEqual(from)
    }
    await log.close()
    expect((await contents(await openLog(store, COMPACTED))).slice(-3)).toEqual(newest)
  })

  it('never touches the active segment, and does nothing twice', async () => {
    const store = make()
    const log = await openLog(store, COMPACTED)
    log.append(set('a=1', 'a=2'))
    expect(await log.compact()).toMatchObject({ segmentsBefore: 0, recordsRemoved: 0 })
    expect(await contents(log)).toEqual(['0 a=1', '1 a=2'])
    seal(log)
    expect(log.dirtyRatio).toBe(1)
    expect((await log.compact()).segmentsBefore).toBe(1)
    expect(log.dirtyRatio).toBe(0)
    expect((await log.compact()).segmentsBefore).toBe(0)
  })

  it('keeps tombstones for a time', async () => {
    let now = 1_000_000
    const log = await openLog(make(), { ...COMPACTED, deleteRetentionMs: 1000, now: () => now })
    log.append(set('a=1', 'b=1'))
    log.append(set('a'))
    seal(log)
    await log.compact()
    expect(fillers(await contents(log))).toEqual(['1 b=1', '2 a'])
    now += 999
    expect((await log.compact()).segmentsBefore).toBe(0)
    now += 1
    expect((await log.compact()).recordsRemoved).toBe(1)
    expect(fillers(await contents(log))).toEqual(['1 b=1'])
    expect((await log.compact()).segmentsBefore).toBe(0)
  })

  it('keeps timestamps when a delete horizon is set', async () => {
    const log = await openLog(make(), COMPACTED)
    log.append(
      batchOf([
        { key: 'a', value: '1', timestamp: 5000 },
        { key: 'b', value: null, timestamp: 7000 },
        { key: 'a', value: '2', timestamp: 6000 },
      ]),
    )
    seal(log)
    await log.compact()
    const view = new RecordBatchView(await log.read(0, 1))
    expect([view.timestamp(0), view.timestamp(1), view.lastTimestamp]).toEqual([7000, 6000, 7000])
    expect(await log.offsetForTimestamp(5500)).toBe(1)
    expect(await log.offsetForTimestamp(6500)).toBe(1)
    expect(fillers(await contents(log))).toEqual(['1 b', '2 a=2'])
  })

  it('forgets the timestamps of what it removes', async () => {
    const log = await openLog(make(), COMPACTED)
    log.append(
      batchOf([
        { key: 'a', value: '1', timestamp: 9000 },
        { key: 'a', value: '2', timestamp: 6000 },
      ]),
    )
    seal(log)
    log.append(set('b=1'))
    await log.compact()
    expect(new RecordBatchView(await log.read(0, 1)).lastTimestamp).toBe(6000)
    expect(await log.offsetForTimestamp(6001)).toBe(log.endOffset)
  })

  it('keeps records without a key', async () => {
    const log = await openLog(make(), COMPACTED)
    log.append(batchOf(['x', 'y']))
    log.append(batchOf(['x']))
    seal(log)
    await log.compact()
    expect((await readValues(log)).slice(0, 3)).toEqual(['x', 'y', 'x'])
  })

  it('leaves undecided transactions and what follows them', async () => {
    const log = await openLog(make(), COMPACTED)
    log.append(set('a=1', 'a=2'))
    seal(log)
    log.append(setWith({ producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true }, 'a=3'))
    seal(log)
    log.append(set('a=4', 'a=5'))
    seal(log)
    const open = await log.compact()
    expect(open.cleanedOffset).toBe(3)
    expect(fillers(await contents(log))).toEqual(['1 a=2', '3 a=3', '5 a=4', '6 a=5'])
    log.append(markerOf('commit', 1))
    seal(log)
    await log.compact()
    expect(fillers(await contents(log))).toEqual(['6 a=5'])
  })

  it('removes aborted data, then its marker, and its entry in the index', async () => {
    let now = 1_000_000
    const store = make()
    const log = await openLog(store, { ...COMPACTED, deleteRetentionMs: 1000, now: () => now })
    const transactional = (sequence: number, ...texts: string[]) =>
      setWith({ producerId: 1, producerEpoch: 0, baseSequence: sequence, transactional: true }, ...texts)
    log.append(set('a=1'))
    log.append(transactional(0, 'a=2', 'b=2'))
    log.append(markerOf('abort', 1))
    log.append(transactional(2, 'c=3'))
    log.append(markerOf('commit', 1))
    // The producer's last batch, which compaction has to keep, is elsewhere.
    seal(log)
    log.append(transactional(3, 'd=4'))
    log.append(markerOf('commit', 1))
    const committed = async () => fillers(await contents(log, { committed: true }))
    expect(await committed()).toEqual(['0 a=1', '4 c=3', '7 d=4'])
    expect(log.abortedTransactions(0, 100)).toHaveLength(1)
    await log.compact()
    expect(fillers(await contents(log))).toEqual(['0 a=1', '4 c=3', '7 d=4'])
    expect(await committed()).toEqual(['0 a=1', '4 c=3', '7 d=4'])
    const bases = async () => (await readBatches(log)).map(([first]) => first)
    // First the data: the marker was the last word of a transaction that this round still saw.
    expect(await bases()).toEqual([0, 3, 4, 5, 6, 7, 8])
    seal(log)
    await log.compact()
    expect(log.abortedTransactions(0, 100)).toEqual([])
    expect(await bases()).toContain(3)
    // The second round found no data of it, and set a time for the marker.
    now += 1000
    await log.compact()
    expect(await bases()).not.toContain(3)
    expect(await committed()).toEqual(['0 a=1', '4 c=3', '7 d=4'])
    await log.close()
    const again = await openLog(store, COMPACTED)
    expect(fillers(await contents(again, { committed: true }))).toEqual(['0 a=1', '4 c=3', '7 d=4'])
  })

  it('keeps the last batch of a producer, so that its sequence is known without a snapshot', async () => {
    const store = make()
    const log = await openLog(store, COMPACTED)
    log.append(setWith({ producerId: 7, producerEpoch: 2, baseSequence: 0 }, 'a=1'))
    log.append(setWith({ producerId: 7, producerEpoch: 2, baseSequence: 1 }, 'a=2', 'a=3'))
    log.append(set('a=4'))
    seal(log)
    log.append(set('a=5'))
    await log.compact()
    expect(await readBatches(log)).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ])
    await log.close()
    for (const name of store.list()) if (name.endsWith('.producers')) await store.delete(name)
    const again = await openLog(store, COMPACTED)
    const repeated = setWith({ producerId: 7, producerEpoch: 2, baseSequence: 1 }, 'a=2', 'a=3')
    expect(again.append(repeated)).toEqual({ baseOffset: 1, duplicate: true })
  })

  it('lets readers go on while segments are swapped', async () => {
    const log = await openLog(make(), COMPACTED)
    for (let i = 0; i < 300; i++) log.append(set(`${i % 50}=${i}`))
    const reading = async () => {
      for (let round = 0; round < 20; round++) {
        const offsets = (await readRecords(log, { maxBytes: 300 })).map(({ offset }) => offset)
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
        expect(offsets.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 280 + i))
      }
    }
    await Promise.all([reading(), log.compact(), reading()])
  })

  it('lets a read that began in a replaced segment finish there', async () => {
    const store = new FaultyStore()
    const log = await openLog(store, COMPACTED)
    log.append(set('a=1', 'b=1'))
    log.append(set('a=2'))
    seal(log)
    log.append(set('c=1'))
    const { promise, resolve } = Promise.withResolvers<void>()
    // A reader that goes on where it was is at the file at once.
    await log.read(0, 1)
    store.readGate = promise
    const reading = log.read(2, 1000)
    store.readGate = undefined
    expect((await log.compact()).recordsRemoved).toBe(1)
    resolve()
    expect(new RecordBatchView(await reading).count).toBe(1)
  })

  it('rejects where a batch is damaged, and leaves the segment', async () => {
    const store = make()
    const log = await openLog(store, COMPACTED)
    log.append(set('a=1'))
    log.append(set('a=2'))
    seal(log)
    await log.close()
    await patchFile(store, logFile(0), (bytes) => {
      bytes[65]! ^= 1
      return undefined
    })
    const again = await openLog(store, COMPACTED)
    const before = store.readAll(logFile(0))
    await expect(again.compact()).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(store.readAll(logFile(0))).toEqual(before)
    expect(store.list().filter((name) => /cleaned|swap/.test(name))).toEqual([])
  })

  it('is refused on a log that is not compacted', async () => {
    await expect((await openLog(make())).compact()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('compaction that is killed', () => {
  async function prepared(): Promise<SegmentStore> {
    const store = new MemoryStore()
    const log = await openLog(store, COMPACTED)
    const transactional = (sequence: number, text: string) =>
      setWith({ producerId: 1, producerEpoch: 0, baseSequence: sequence, transactional: true }, text)
    for (let i = 0; i < 30; i++) log.append(set(`${i % 4}=${i}`))
    log.append(transactional(0, '1=aborted'))
    log.append(markerOf('abort', 1))
    for (let i = 30; i < 60; i++) log.append(set(`${i % 7}=${i}`))
    log.append(transactional(1, 'x=committed'))
    log.append(markerOf('commit', 1))
    for (let i = 60; i < 70; i++) log.append(set(`${i % 2}=${i}`))
    await log.close()
    return store
  }

  /** The newest value of each key, as a committed reader sees it. */
  async function table(log: PartitionLog): Promise<Map<string | null, string | null>> {
    return new Map((await readRecords(log, { committed: true })).map(({ key, value }) => [key, value]))
  }

  it('at any change of the folder loses nothing, and is repeated', async () => {
    const original = await prepared()
    const expected = await table(await openLog(snapshotStore(original), COMPACTED))
    let crashes = 0
    for (let limit = 1; ; limit++) {
      const store = new CrashingStore(snapshotStore(original), limit)
      const log = await openLog(store, COMPACTED).catch(() => undefined)
      // Room for several of the old segments in a new one.
      log?.updateOptions({ segmentBytes: 1500 })
      await log?.compact().catch(() => {})
      await log?.close()
      const again = await openLog(store.left(), COMPACTED)
      expect([limit, again.recovered]).toEqual([limit, undefined])
      expect([limit, await table(again)]).toEqual([limit, expected])
      expect(again.endOffset).toBe(74)
      await again.compact()
      expect([limit, await table(again)]).toEqual([limit, expected])
      expect(again.abortedTransactions(0, 100).length).toBeLessThanOrEqual(1)
      if (!store.hasCrashed) break
      crashes++
    }
    expect(crashes).toBeGreaterThan(30)
  })
})
