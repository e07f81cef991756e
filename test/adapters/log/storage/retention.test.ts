import { describe, expect, it } from 'vitest'
import { batchOf, logFile, openLog, patchFile, readValues, STORES, snapshotStore } from './fixtures.ts'

const size = batchOf(['0']).length

describe.each(STORES)('retention, $name', ({ make }) => {
  it('deletes whole sealed segments from the oldest on while the log is too large', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: size * 2, retentionBytes: size * 5 })
    for (let i = 0; i < 10; i++) log.append(batchOf([String(i)]))
    expect(await log.applyRetention()).toBe(2)
    expect(log.startOffset).toBe(4)
    expect(log.sizeBytes).toBe(size * 6)
    await expect(log.read(3, 100)).rejects.toMatchObject({ code: 'POSITION_EXPIRED' })
    expect(await readValues(log)).toEqual(['4', '5', '6', '7', '8', '9'])
    expect(await log.applyRetention()).toBe(0)
    log.updateOptions({ retentionBytes: 0 })
    expect(await log.applyRetention()).toBe(2)
    expect(await readValues(log)).toEqual(['8', '9'])
    const again = await openLog(snapshotStore(store))
    expect(again.startOffset).toBe(8)
  })

  it('deletes segments whose newest record is too old, up to the first that is not', async () => {
    const store = make()
    let now = 10_000
    const log = await openLog(store, { segmentBytes: size * 2, retentionMs: 1000, now: () => now })
    const times = [1, 9500, 1, 2, 9000, 9001, 1, 2, 9900]
    for (const timestamp of times) log.append(batchOf(['0'], { timestamp }))
    expect(await log.applyRetention()).toBe(0)
    now = 10_501
    expect(await log.applyRetention()).toBe(4)
    expect(log.startOffset).toBe(8)
    // All of the active segment is too old.
    now = 20_000
    expect(await log.applyRetention()).toBe(1)
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([9, 9, 0])
    expect(log.append(batchOf(['9'])).baseOffset).toBe(9)
    await log.close()
    const again = await openLog(store)
    expect([again.startOffset, again.endOffset]).toEqual([9, 10])
  })

  it('does not believe a time index that makes a segment look older', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: size * 2 })
    for (const timestamp of [5000, 9000, 9001]) log.append(batchOf(['0'], { timestamp }))
    await log.close()
    await patchFile(store, logFile(0).replace('log', 'timeindex'), (bytes) => {
      bytes.writeBigInt64BE(7n, bytes.length - 12)
      return undefined
    })
    const again = await openLog(store, { retentionMs: 1000, now: () => 9500 })
    expect(await again.applyRetention()).toBe(0)
    await again.close()
    await store.replace(logFile(0).replace('log', 'timeindex'), Buffer.alloc(0), false)
    const third = await openLog(store, { retentionMs: 1000, now: () => 9500 })
    expect(await third.applyRetention()).toBe(0)
  })

  it('lets a read that is under way finish', async () => {
    const log = await openLog(make(), { segmentBytes: size * 2, retentionBytes: 0 })
    for (let i = 0; i < 6; i++) log.append(batchOf([String(i)]))
    const outcomes = await Promise.allSettled([log.read(0, 1000), log.applyRetention(), log.read(2, 1000)])
    for (const outcome of [outcomes[0], outcomes[2]]) {
      if (outcome.status === 'fulfilled') expect(outcome.value.length).toBe(size * 2)
      else expect(outcome.reason).toMatchObject({ code: 'POSITION_EXPIRED' })
    }
    expect(log.startOffset).toBe(4)
  })

  it('deletes records explicitly and for good', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: size * 2 })
    for (let i = 0; i < 9; i++) log.append(batchOf([String(i)]))
    await log.deleteBefore(5)
    expect(log.startOffset).toBe(5)
    expect(await readValues(log)).toEqual(['5', '6', '7', '8'])
    expect(
      store
        .list()
        .filter((name) => name.endsWith('.log'))
        .sort()[0],
    ).toBe(logFile(4))
    await log.deleteBefore(3)
    expect(log.startOffset).toBe(5)
    expect((await openLog(snapshotStore(store))).startOffset).toBe(5)
    await expect(log.deleteBefore(10)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await log.deleteBefore(9)
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([9, 9, 0])
    await log.close()
    const again = await openLog(store)
    expect([again.startOffset, again.endOffset]).toEqual([9, 9])
    expect(again.append(batchOf(['9'])).baseOffset).toBe(9)
  })
})
