import { describe, expect, it } from 'vitest'
import { batchSize, lastOffset } from '../../../../src/formats/record-batch/index.ts'
import { batchOf, logFile, openLog, readBatches, readValues, STORES } from './fixtures.ts'

describe.each(STORES)('append and read, $name', ({ make }) => {
  it('gives offsets in the order of the calls and reads back what was written', async () => {
    const log = await openLog(make())
    expect(log.append(batchOf(['a', 'b']))).toEqual({ baseOffset: 0, duplicate: false })
    expect(log.append(batchOf(['c']))).toEqual({ baseOffset: 2, duplicate: false })
    expect(log.endOffset).toBe(3)
    expect(log.lastStableOffset).toBe(3)
    expect(await readValues(log)).toEqual(['a', 'b', 'c'])
    expect(await readValues(log, { from: 1 })).toEqual(['b', 'c'])
  })

  it('tells of each append once', async () => {
    const log = await openLog(make())
    let calls = 0
    log.onAppend = () => calls++
    log.append(batchOf(['a']))
    log.append(batchOf(['b']))
    expect(calls).toBe(2)
  })

  it('reads whole batches up to maxBytes, and one that is larger', async () => {
    const log = await openLog(make())
    const size = batchOf(['x']).length
    for (let i = 0; i < 10; i++) log.append(batchOf([String(i)]))
    log.append(batchOf(['y'.repeat(5000)]))
    expect((await log.read(0, size * 3 + 5)).length).toBe(size * 3)
    expect((await log.read(4, 1)).length).toBe(size)
    expect((await log.read(9, size)).length).toBe(size)
    expect((await log.read(10, 1)).length).toBeGreaterThan(5000)
    expect(await readValues(log, { maxBytes: 1 })).toHaveLength(11)
  })

  it('never reads past the limit, and empty at the end', async () => {
    const log = await openLog(make())
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value, value]))
    const upTo = async (offset: number, limit: number) => {
      const buffer = await log.read(offset, 1 << 20, limit)
      return buffer.length === 0 ? -1 : lastOffset(buffer, buffer.length - batchSize(buffer, 0))
    }
    expect(await upTo(0, 4)).toBe(3)
    expect(await upTo(0, 5)).toBe(3)
    expect(await upTo(0, 100)).toBe(5)
    expect(await upTo(4, 5)).toBe(-1)
    expect(await upTo(2, 2)).toBe(-1)
    expect((await log.read(6, 100)).length).toBe(0)
  })

  it('gives buffers that later appends and reads leave alone', async () => {
    const log = await openLog(make())
    const batch = batchOf(['first'])
    log.append(batch)
    const one = await log.read(0, 1000)
    const copy = Buffer.from(one)
    batch.fill(0)
    one.subarray(70).fill(1)
    expect((await log.read(0, 1000)).equals(copy)).toBe(true)
  })

  it('refuses offsets outside the log', async () => {
    const log = await openLog(make())
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
    await log.deleteBefore(2)
    await expect(log.read(1, 100)).rejects.toMatchObject({ code: 'POSITION_EXPIRED', topic: 'orders' })
    await expect(log.read(4, 100)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', partition: '0' })
    await expect(log.read(Number.NaN, 100)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('refuses what is no batch and writes nothing', async () => {
    const log = await openLog(make())
    const batch = batchOf(['a'])
    const magic = Buffer.from(batch)
    magic[16] = 1
    for (const bad of [Buffer.alloc(0), batch.subarray(1), Buffer.concat([batch, batch]), magic]) {
      expect(() => log.append(bad)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    }
    expect(log.endOffset).toBe(0)
    expect(log.sizeBytes).toBe(0)
  })

  it('rolls by size and reads over the seams', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: 300 })
    const values = Array.from({ length: 40 }, (_, i) => `value ${i}`)
    for (const value of values) log.append(batchOf([value]))
    expect(store.list().filter((name) => name.endsWith('.log')).length).toBeGreaterThan(10)
    expect(await readValues(log)).toEqual(values)
    expect(await readValues(log, { from: 17, maxBytes: 1 })).toEqual(values.slice(17))
    await log.close()
    expect(await readValues(await openLog(store))).toEqual(values)
  })

  it('rolls by age', async () => {
    const store = make()
    let now = 1000
    const log = await openLog(store, { segmentMs: 100, now: () => now })
    log.append(batchOf(['a']))
    now = 1100
    log.append(batchOf(['b']))
    now = 1101
    log.append(batchOf(['c']))
    expect(store.list().filter((name) => name.endsWith('.log'))).toEqual([logFile(0), logFile(2)])
    expect(await readValues(log)).toEqual(['a', 'b', 'c'])
  })

  it('reads while it is written to', async () => {
    const log = await openLog(make(), { segmentBytes: 2000 })
    const seen: [number, number][] = []
    const reading = (async () => {
      while (log.endOffset < 500 || seen.length < 500) {
        const at = seen.length === 0 ? 0 : seen.at(-1)![1] + 1
        const buffer = await log.read(at, 700)
        for (let position = 0; position < buffer.length; position += batchSize(buffer, position)) {
          seen.push([lastOffset(buffer, position), lastOffset(buffer, position)])
        }
        await new Promise(setImmediate)
      }
    })()
    for (let i = 0; i < 500; i++) {
      log.append(batchOf([`value ${i}`]))
      if (i % 7 === 0) await new Promise(setImmediate)
    }
    await reading
    expect(seen.map(([first]) => first)).toEqual(Array.from({ length: 500 }, (_, i) => i))
    expect(await readBatches(log)).toEqual(seen)
  })

  it('is closed for good', async () => {
    const log = await openLog(make())
    log.append(batchOf(['a']))
    await Promise.all([log.close(), log.close()])
    expect(() => log.append(batchOf(['b']))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    for (const call of [
      log.read(0, 10),
      log.flush(),
      log.compact(),
      log.applyRetention(),
      log.deleteBefore(0),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
    }
  })

  it('deletes itself', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: 100 })
    log.append(batchOf(['a']))
    log.append(batchOf(['b']))
    await log.delete()
    const again = store.location === 'memory' ? store.list() : []
    expect(again).toEqual([])
  })

  it('refuses options out of range', async () => {
    await expect(openLog(make(), { segmentBytes: 2 ** 31 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const log = await openLog(make())
    expect(() => log.updateOptions({ retentionMs: -1 })).toThrow(/retentionMs is -1: give a number from 0/)
  })
})
