import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { batchOf, logFile, openLog, patchFile, readRecords, readValues, STORES } from './fixtures.ts'

const file = (offset: number, suffix: string) => logFile(offset).replace(/log$/, suffix)

/** Some segments with an index entry for nearly every batch; timestamps go up and down. */
async function filled(store: SegmentStore) {
  const log = await openLog(store, { segmentBytes: 1500, indexIntervalBytes: 100 })
  for (let i = 0; i < 60; i++) log.append(batchOf([`value ${i}`], { timestamp: timestampOf(i) }))
  await log.close()
}
const timestampOf = (i: number) => 1000 + i * 10 + (i % 4 === 0 ? 45 : 0)

async function expectWhole(store: SegmentStore) {
  const log = await openLog(store, { segmentBytes: 1500, indexIntervalBytes: 100 })
  for (let from = 59; from >= 0; from -= 7) {
    expect((await readValues(log, { from }))[0]).toBe(`value ${from}`)
  }
  for (let ms = 990; ms < 1700; ms += 5) {
    const expected = Array.from({ length: 60 }, (_, i) => i).find((i) => timestampOf(i) >= ms) ?? 60
    expect([ms, await log.offsetForTimestamp(ms)]).toEqual([ms, expected])
  }
  await log.close()
}

describe.each(STORES)('indexes, $name', ({ name: kind, make }) => {
  it('find each offset and timestamp', async () => {
    const store = make()
    await filled(store)
    await expectWhole(store)
  })

  it("are in Kafka's format", async () => {
    const store = make()
    const log = await openLog(store, { indexIntervalBytes: 1 })
    const size = batchOf(['x']).length
    for (let i = 0; i < 3; i++) log.append(batchOf([String(i)], { timestamp: 1000 + i }))
    await log.close()
    const offsets = store.readAll(file(0, 'index'))!
    // The first batch needs no entry: everything begins at 0.
    expect([0, 4, 8, 12].map((at) => offsets.readInt32BE(at))).toEqual([1, size, 2, size * 2])
    const times = store.readAll(file(0, 'timeindex'))!
    expect([times.readBigInt64BE(0), times.readInt32BE(8)]).toEqual([1001n, 1])
    expect([times.readBigInt64BE(12), times.readInt32BE(20)]).toEqual([1002n, 2])
  })

  for (const suffix of ['index', 'timeindex', 'txnindex']) {
    it(`are made again when .${suffix} files are missing`, async () => {
      const store = make()
      await filled(store)
      for (const name of store.list()) if (name.endsWith(`.${suffix}`)) await store.delete(name)
      await expectWhole(store)
    })

    it(`are made again when .${suffix} files have a wrong size`, async () => {
      const store = make()
      await filled(store)
      for (const name of store.list()) {
        if (name.endsWith(`.${suffix}`)) await store.replace(name, Buffer.alloc(35, 1), false)
      }
      await expectWhole(store)
    })

    it(`are not believed when .${suffix} files are garbled`, async () => {
      const store = make()
      await filled(store)
      const names = store.list().filter((name) => name.endsWith(`.${suffix}`))
      for (let at = 0; at < (kind === 'memory' ? 60 : 3); at++) {
        for (const name of names) {
          await patchFile(store, name, (bytes) => {
            if (bytes.length > 0) bytes[(at * 7) % bytes.length]! ^= 1 << (at % 8)
            return undefined
          })
        }
        await expectWhole(store)
        await filledAgain(store)
      }
    })

    it(`do without the ends of .${suffix} files`, async () => {
      const store = make()
      await filled(store)
      const entry = { index: 8, timeindex: 12, txnindex: 34 }[suffix]!
      for (const name of store.list()) {
        if (name.endsWith(`.${suffix}`)) {
          await patchFile(store, name, (bytes) => bytes.subarray(0, Math.max(0, bytes.length - 2 * entry)))
        }
      }
      await expectWhole(store)
    })
  }

  async function filledAgain(store: SegmentStore) {
    for (const name of store.list()) {
      if (/\.(index|timeindex|txnindex)$/.test(name)) await store.delete(name)
    }
    const log = await openLog(store, { segmentBytes: 1500, indexIntervalBytes: 100 })
    await log.close()
  }

  it('point to one another only: an entry of another segment is not believed', async () => {
    const store = make()
    await filled(store)
    const logs = store
      .list()
      .filter((name) => name.endsWith('.log'))
      .sort()
    const index = store.readAll(logs[0]!.replace('.log', '.index'))!
    index.writeInt32BE(index.readInt32BE(4) + 1, 4)
    for (const name of logs) await store.replace(name.replace('.log', '.index'), index, false)
    await expectWhole(store)
  })
})

it('an index whose offsets are too small misleads no search', async () => {
  const store = new MemoryStore()
  const log = await openLog(store, { indexIntervalBytes: 1 })
  for (let i = 0; i < 30; i++) log.append(batchOf(['a', 'b', 'c'], { timestamp: 1000 + i }))
  await log.close()
  await patchFile(store, file(0, 'index'), (bytes) => {
    for (let at = 0; at < bytes.length; at += 8) bytes.writeInt32BE(bytes.readInt32BE(at) - 5, at)
    return undefined
  })
  const again = await openLog(store)
  for (let i = 29; i >= 0; i--) expect(await again.offsetForTimestamp(1000 + i)).toBe(i * 3)
  for (let offset = 89; offset >= 0; offset--) {
    expect((await readRecords(again, { from: offset }))[0]!.offset).toBe(offset)
  }
})

describe.each(STORES)('timestamps, $name', ({ make }) => {
  it('find records within a batch', async () => {
    const log = await openLog(make())
    const record = (timestamp: number) => ({ key: null, value: 'x', timestamp })
    log.append(batchOf([record(100), record(300), record(200)]))
    log.append(batchOf([record(250), record(400)]))
    const found = await Promise.all(
      [50, 100, 150, 250, 301, 400, 401].map((ms) => log.offsetForTimestamp(ms)),
    )
    expect(found).toEqual([0, 0, 1, 1, 4, 4, 5])
  })

  it('begin at the start offset', async () => {
    const log = await openLog(make())
    for (let i = 0; i < 5; i++) log.append(batchOf(['x', 'y'], { timestamp: 100 + i }))
    await log.deleteBefore(5)
    expect(await log.offsetForTimestamp(0)).toBe(5)
    expect(await log.offsetForTimestamp(103)).toBe(6)
  })

  it('are the end of an empty log', async () => {
    expect(await (await openLog(make())).offsetForTimestamp(5)).toBe(0)
  })
})
