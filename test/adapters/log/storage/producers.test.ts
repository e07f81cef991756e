import { describe, expect, it } from 'vitest'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { batchOf, logFile, markerOf, openLog, readValues, STORES, snapshotStore } from './fixtures.ts'

const from = (producerId: number, baseSequence: number, count = 1, producerEpoch = 0) =>
  batchOf(
    Array.from({ length: count }, (_, i) => `${producerId}:${baseSequence + i}`),
    { producerId, producerEpoch, baseSequence },
  )
const inTransaction = (producerId: number, baseSequence: number, producerEpoch = 0) =>
  batchOf([`${producerId}:${baseSequence}`], { producerId, producerEpoch, baseSequence, transactional: true })

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe.each(STORES)('idempotent producers, $name', ({ make }) => {
  it('answers a batch that came before with its first offset and writes nothing', async () => {
    const log = await openLog(make())
    for (let i = 0; i < 6; i++) log.append(from(7, i * 2, 2))
    for (let i = 1; i < 6; i++) {
      expect(log.append(from(7, i * 2, 2))).toEqual({ baseOffset: i * 2, duplicate: true })
    }
    // Only five are remembered.
    expect(() => log.append(from(7, 0, 2))).toThrow(refused('INVALID_ARGUMENT', /sequence 0 where 12 is due/))
    expect(log.endOffset).toBe(12)
  })

  it('refuses a batch out of order', async () => {
    const log = await openLog(make())
    log.append(from(7, 0))
    expect(() => log.append(from(7, 2))).toThrow(refused('INVALID_ARGUMENT', /sequence 2 where 1 is due/))
    expect(log.append(from(8, 5)).baseOffset).toBe(1)
    expect(log.append(from(7, 1)).baseOffset).toBe(2)
  })

  it('fences an older epoch; a newer one begins at 0', async () => {
    const log = await openLog(make())
    log.append(from(7, 0))
    expect(() => log.append(from(7, 1, 1, 1))).toThrow(
      refused('INVALID_ARGUMENT', /sequence 1 where 0 is due/),
    )
    log.append(from(7, 0, 1, 1))
    expect(() => log.append(from(7, 1))).toThrow(refused('FENCED', /epoch 0 was replaced by one of epoch 1/))
  })

  it('goes from the largest sequence to 0', async () => {
    const log = await openLog(make())
    log.append(from(7, 0x7ffffffe, 1))
    log.append(from(7, 0x7fffffff, 3))
    expect(log.append(from(7, 2)).baseOffset).toBe(4)
    expect(log.append(from(7, 0x7fffffff, 3))).toEqual({ baseOffset: 1, duplicate: true })
  })

  it('remembers after a clean stop, a crash, and a crash behind a roll', async () => {
    for (const segmentBytes of [10_000, 100]) {
      const store = make()
      const log = await openLog(store, { segmentBytes })
      for (let i = 0; i < 7; i++) log.append(from(7, i))
      const afterCrash = snapshotStore(store)
      await log.close()
      for (const left of [store, afterCrash]) {
        const again = await openLog(left, { segmentBytes })
        for (let i = 2; i < 7; i++)
          expect(again.append(from(7, i))).toEqual({ baseOffset: i, duplicate: true })
        expect(() => again.append(from(7, 8))).toThrow(refused('INVALID_ARGUMENT', /where 7 is due/))
        expect(again.append(from(7, 7)).duplicate).toBe(false)
      }
    }
  })

  it('remembers without any snapshot, from the log alone', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: 150 })
    for (let i = 0; i < 7; i++) log.append(from(7, i))
    await log.close()
    for (const name of store.list())
      if (name.endsWith('.producers')) await store.replace(name, Buffer.from('x'), false)
    const again = await openLog(store)
    expect(again.append(from(7, 5))).toEqual({ baseOffset: 5, duplicate: true })
  })

  it('does not remember what recovery cut off', async () => {
    const store = make()
    const log = await openLog(store)
    log.append(from(7, 0))
    log.append(from(7, 1))
    await log.close()
    const bytes = store.readAll(logFile(0))!
    await store.replace(logFile(0), bytes.subarray(0, -1), false)
    const again = await openLog(store)
    expect(again.append(from(7, 1))).toEqual({ baseOffset: 1, duplicate: false })
  })

  it('does not believe a snapshot of what recovery cut off', async () => {
    const store = make()
    const log = await openLog(store)
    log.append(from(7, 0))
    log.append(from(7, 1))
    await log.close()
    await store.replace(logFile(0), store.readAll(logFile(0))!.subarray(0, -1), false)
    const torn = await openLog(store)
    torn.append(batchOf(['other']))
    torn.updateOptions({ segmentBytes: 1 })
    torn.append(batchOf(['next segment']))
    // The segment at 2 has no snapshot yet; one of that offset had been written before.
    const again = await openLog(snapshotStore(store))
    expect(again.append(from(7, 1))).toEqual({ baseOffset: 3, duplicate: false })
  })

  it('forgets producers after a day of silence', async () => {
    let now = 1000
    const store = make()
    const log = await openLog(store, { now: () => now })
    log.append(from(7, 0))
    log.append(inTransaction(8, 0))
    now += 24 * 60 * 60 * 1000 - 1
    await log.applyRetention()
    expect(() => log.append(from(7, 5))).toThrow(refused('INVALID_ARGUMENT', /where 1 is due/))
    now++
    await log.applyRetention()
    expect(log.append(from(7, 5)).duplicate).toBe(false)
    // An open transaction keeps its producer.
    expect(() => log.append(inTransaction(8, 5))).toThrow(refused('INVALID_ARGUMENT', /where 1 is due/))
  })
})

describe.each(STORES)('transactions, $name', ({ make }) => {
  it('hold the last stable offset until they are decided', async () => {
    const log = await openLog(make())
    log.append(batchOf(['plain']))
    log.append(inTransaction(1, 0))
    log.append(inTransaction(2, 0))
    log.append(batchOf(['plain']))
    expect([log.lastStableOffset, log.endOffset]).toEqual([1, 4])
    log.append(markerOf('commit', 1))
    expect(log.lastStableOffset).toBe(2)
    log.append(markerOf('abort', 2))
    expect(log.lastStableOffset).toBe(6)
    expect(log.abortedTransactions(0, 6)).toEqual([
      { producerId: 2, firstOffset: 2, lastOffset: 5, lastStableOffset: 6 },
    ])
    expect(await readValues(log, { committed: true })).toEqual(['plain', '1:0', 'plain'])
    expect(await readValues(log)).toEqual(['plain', '1:0', '2:0', 'plain'])
  })

  it('list those that reach into the range', async () => {
    const log = await openLog(make(), { segmentBytes: 200 })
    for (let i = 0; i < 4; i++) {
      log.append(inTransaction(i, 0))
      log.append(batchOf(['plain']))
      log.append(markerOf('abort', i))
    }
    const firsts = (a: number, b: number) => log.abortedTransactions(a, b).map((entry) => entry.firstOffset)
    expect(firsts(0, 12)).toEqual([0, 3, 6, 9])
    expect(firsts(2, 4)).toEqual([0, 3])
    expect(firsts(3, 6)).toEqual([3])
    expect(firsts(12, 12)).toEqual([])
  })

  it('refuse plain batches of their producer, old epochs and old coordinators', async () => {
    const log = await openLog(make())
    log.append(inTransaction(1, 0, 3))
    expect(() => log.append(from(1, 1, 1, 3))).toThrow(
      refused('INVALID_ARGUMENT', /outside its open transaction/),
    )
    expect(() => log.append(markerOf('commit', 1, 2))).toThrow(refused('FENCED', /epoch 2/))
    log.append(markerOf('commit', 1, 3, 5))
    log.append(inTransaction(1, 1, 3))
    expect(() => log.append(markerOf('commit', 1, 3, 4))).toThrow(refused('FENCED', /coordinator of epoch 4/))
    // A marker with a new epoch fences what is still on its way.
    log.append(markerOf('abort', 1, 4, 5))
    expect(() => log.append(inTransaction(1, 2, 3))).toThrow(refused('FENCED', /epoch 3/))
    expect(log.lastStableOffset).toBe(log.endOffset)
  })

  async function busy(store: SegmentStore, segmentBytes: number) {
    const log = await openLog(store, { segmentBytes })
    log.append(inTransaction(1, 0))
    log.append(inTransaction(2, 0))
    log.append(markerOf('abort', 1))
    log.append(inTransaction(3, 0))
    log.append(inTransaction(1, 1))
    log.append(markerOf('commit', 3))
    log.append(inTransaction(3, 1))
    log.append(markerOf('abort', 1))
    log.append(batchOf(['plain']))
    return log
  }

  it('are known after a crash and a clean stop, with and without their index', async () => {
    for (const segmentBytes of [10_000, 250, 100]) {
      const store = make()
      const log = await busy(store, segmentBytes)
      const state = [log.lastStableOffset, log.abortedTransactions(0, 100)]
      expect(state[0]).toBe(1)
      const stores: SegmentStore[] = [snapshotStore(store)]
      await log.close()
      stores.push(snapshotStore(store))
      for (const lost of [/\.txnindex$/, /\.producers$/, /\.(txnindex|producers)$/, /checkpoint/]) {
        const copy = snapshotStore(store)
        for (const name of copy.list()) if (lost.test(name)) await copy.delete(name)
        stores.push(copy)
      }
      for (const left of stores) {
        const again = await openLog(left, { segmentBytes })
        expect([again.lastStableOffset, again.abortedTransactions(0, 100)]).toEqual(state)
        again.append(markerOf('commit', 2))
        again.append(markerOf('commit', 3))
        expect(again.lastStableOffset).toBe(again.endOffset)
        expect(await readValues(again, { committed: true })).toEqual(['2:0', '3:0', '3:1', 'plain'])
      }
    }
  })
})
