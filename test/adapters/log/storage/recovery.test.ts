import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { stampBatch } from '../../../../src/formats/record-batch/index.ts'
import {
  batchOf,
  logFile,
  Messages,
  openLog,
  patchFile,
  readValues,
  STORES,
  snapshotStore,
} from './fixtures.ts'

/** A folder as a crash leaves it: log files alone. */
function crashed(store: SegmentStore, files: Record<number, Buffer>): SegmentStore {
  for (const [offset, bytes] of Object.entries(files)) store.create(logFile(Number(offset))).append(bytes)
  return store
}

/** Batches one after another, stamped from `base` on. */
function stamped(base: number, ...values: string[][]): { bytes: Buffer; starts: number[] } {
  const starts: number[] = []
  let size = 0
  let offset = base
  const batches = values.map((records) => {
    const batch = batchOf(records)
    stampBatch(batch, 0, { baseOffset: offset, leaderEpoch: 0 })
    offset += records.length
    starts.push(size)
    size += batch.length
    return batch
  })
  return { bytes: Buffer.concat(batches), starts }
}

describe.each(STORES)('recovery, $name', ({ make }) => {
  it('goes on after a clean stop without a word', async () => {
    const store = make()
    const log = await openLog(store)
    log.append(batchOf(['a', 'b']))
    await log.close()
    const logger = new Messages()
    const again = await openLog(store, { logger })
    expect(again.recovered).toBeUndefined()
    expect(again.append(batchOf(['c'])).baseOffset).toBe(2)
    expect(await readValues(again)).toEqual(['a', 'b', 'c'])
    expect(logger.lines).toEqual([])
  })

  it('gives no offset twice when records that had been deleted are torn off', async () => {
    const store = make()
    const log = await openLog(store)
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
    await log.deleteBefore(2)
    await log.close()
    await patchFile(store, logFile(0), (bytes) => bytes.subarray(0, bytes.length / 2))
    for (let i = 0; i < 2; i++) {
      const again = await openLog(store)
      expect([again.startOffset, again.endOffset]).toEqual([2, 2])
      await again.close()
    }
    const again = await openLog(store)
    expect(again.append(batchOf(['d'])).baseOffset).toBe(2)
    expect(await readValues(again)).toEqual(['d'])
  })

  it('has all that was appended when the process died', async () => {
    const store = make()
    const log = await openLog(store, { segmentBytes: 400 })
    const values = Array.from({ length: 30 }, (_, i) => `value ${i}`)
    for (const value of values) log.append(batchOf([value]))
    const again = await openLog(snapshotStore(store), { segmentBytes: 400 })
    expect(again.recovered).toBeUndefined()
    expect(await readValues(again)).toEqual(values)
    await log.flush()
    expect(await readValues(await openLog(snapshotStore(store)))).toEqual(values)
  })

  it('verifies the tail of a log that was changed after it was closed', async () => {
    const store = make()
    const log = await openLog(store)
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
    await log.close()
    await patchFile(store, logFile(0), (bytes) => bytes.subarray(0, -3))
    const again = await openLog(store)
    expect(again.recovered).toEqual({ truncatedBytes: batchOf(['c']).length - 3, fromOffset: 2 })
    expect(await readValues(again)).toEqual(['a', 'b'])
  })
})

describe('recovery', () => {
  const { bytes, starts } = stamped(0, ['a', 'b'], ['c'], ['d', 'e'])

  it('cuts a torn end off wherever it was torn, and says so', async () => {
    const last = starts[2]!
    for (let cut = last + 1; cut < bytes.length; cut++) {
      const logger = new Messages()
      const log = await openLog(crashed(new MemoryStore(), { 0: bytes.subarray(0, cut) }), { logger })
      expect(log.recovered).toEqual({ truncatedBytes: cut - last, fromOffset: 3 })
      expect(logger.lines).toEqual(['warn orders-0: a torn end was cut off'])
      expect(logger.details[0]).toMatchObject({ file: logFile(0), offset: 3, truncatedBytes: cut - last })
      expect(log.append(batchOf(['f'])).baseOffset).toBe(3)
      expect(await readValues(log)).toEqual(['a', 'b', 'c', 'f'])
    }
  })

  it('cuts off the only batch when it was torn', async () => {
    for (let cut = 1; cut < starts[1]!; cut++) {
      const log = await openLog(crashed(new MemoryStore(), { 0: bytes.subarray(0, cut) }))
      expect(log.recovered).toEqual({ truncatedBytes: cut, fromOffset: 0 })
      expect(log.endOffset).toBe(0)
    }
  })

  it('cuts off zeros that a power failure left', async () => {
    for (const whole of [0, starts[1]!, bytes.length]) {
      const file = Buffer.concat([bytes.subarray(0, whole), Buffer.alloc(10_000)])
      const log = await openLog(crashed(new MemoryStore(), { 0: file }))
      expect(log.recovered?.truncatedBytes).toBe(10_000)
    }
  })

  it('cuts the last batch off when any of its bytes is wrong', async () => {
    for (let at = starts[2]!; at < bytes.length; at++) {
      // The leader epoch stands outside the CRC and says nothing here.
      if (at - starts[2]! >= 12 && at - starts[2]! < 16) continue
      const file = Buffer.from(bytes)
      file[at] = file[at]! ^ 0xff
      const log = await openLog(crashed(new MemoryStore(), { 0: file }))
      expect([at, log.recovered]).toEqual([at, { truncatedBytes: bytes.length - starts[2]!, fromOffset: 3 }])
      expect(await readValues(log)).toEqual(['a', 'b', 'c'])
    }
  })

  it('cuts nothing off where valid batches follow: reads name the place, and go on behind it', async () => {
    for (let at = starts[1]!; at < starts[2]!; at++) {
      if (at - starts[1]! >= 12 && at - starts[1]! < 16) continue
      const file = Buffer.from(bytes)
      file[at] = file[at]! ^ 0xff
      const logger = new Messages()
      const log = await openLog(crashed(new MemoryStore(), { 0: file }), { logger })
      expect(log.recovered).toBeUndefined()
      expect(log.sizeBytes).toBe(file.length)
      expect(logger.lines).toEqual([
        'error orders-0: damage with valid batches behind it; reads there will fail',
      ])
      expect(log.endOffset).toBe(5)
      expect((await log.read(0, 1000)).length).toBe(starts[1])
      await expect(log.read(2, 1000)).rejects.toMatchObject({
        code: 'INTERNAL',
        message: expect.stringMatching(
          /offset 2 .*0{20}\.log.*Restore the file from a copy, or resume at offset 3/s,
        ),
      })
      expect(await readValues(log, { from: 3 })).toEqual(['d', 'e'])
      expect(log.append(batchOf(['f'])).baseOffset).toBe(5)
      expect(await readValues(log, { from: 3 })).toEqual(['d', 'e', 'f'])
    }
  })

  it('reads on behind damage in a sealed segment', async () => {
    const store = new MemoryStore()
    const log = await openLog(store, { segmentBytes: 1000 })
    for (let i = 0; i < 40; i++) log.append(batchOf([`value ${i}`]))
    await log.close()
    const size = batchOf(['value 1']).length
    await patchFile(store, logFile(0), (file) => {
      // The length of one batch and the value of another.
      file[size * 2 + 9] = 0x55
      file[size * 5 + size - 3] = 0
      return undefined
    })
    const again = await openLog(store)
    expect(again.recovered).toBeUndefined()
    expect(again.endOffset).toBe(40)
    expect((await again.read(0, 1000)).length).toBe(2 * size)
    await expect(again.read(2, 1000)).rejects.toThrow(/resume at offset 3/)
    expect((await again.read(3, 1000)).length).toBe(2 * size)
    await expect(again.read(5, 1000)).rejects.toThrow(/offset 5 does not match its CRC .*resume at offset 6/)
    expect(await readValues(again, { from: 6 })).toHaveLength(34)
  })

  it('keeps what follows when a power failure took the end of a sealed segment', async () => {
    const second = stamped(5, ['f'], ['g'])
    const store = crashed(new MemoryStore(), { 0: bytes.subarray(0, starts[2]!), 5: second.bytes })
    const logger = new Messages()
    const log = await openLog(store, { logger })
    expect(logger.lines).toEqual(['error orders-0: the end of a segment was lost; reads there will fail'])
    expect(await readValues(log, { from: 5 })).toEqual(['f', 'g'])
    await expect(log.read(3, 1000)).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/offset 3 is not there.*resume at offset 5/s),
    })
  })
})

describe('a folder that is not a log', () => {
  const { bytes } = stamped(0, ['a'], ['b'])
  const refused = async (store: SegmentStore, message: RegExp) => {
    const files = store.list().map((name) => [name, store.readAll(name)])
    await expect(openLog(store)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
    expect(store.list().map((name) => [name, store.readAll(name)])).toEqual(files)
  }

  it('is refused when it holds other files, and left as it is', async () => {
    for (const name of ['notes.txt', '1.log', '00000000000000000000.snapshot', 'x.log.swap']) {
      const store = crashed(new MemoryStore(), { 0: bytes })
      store.create(name)
      await refused(
        store,
        new RegExp(`holds files that are not a log's \\(${name}\\): choose another folder`),
      )
    }
  })

  it('is refused when the batches are of an older format or none at all', async () => {
    const old = Buffer.from(bytes)
    old[16] = 1
    old[bytes.length / 2 + 16] = 1
    await refused(crashed(new MemoryStore(), { 0: old }), /magic is 1/)
    const text = Buffer.from('a text that somebody saved under a strange name, long enough for a header')
    await refused(crashed(new MemoryStore(), { 0: text }), /does not hold record batches/)
  })

  it('is refused when segments are missing in the middle', async () => {
    const store = new MemoryStore()
    const log = await openLog(store, { segmentBytes: 100 })
    for (let i = 0; i < 5; i++) log.append(batchOf([`value ${i}`]))
    await log.close()
    await store.delete(logFile(2))
    await expect(openLog(store)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/0001\.log ends at offset 2, the next is 0+3\.log/),
    })
  })

  it('is refused when all segments are gone', async () => {
    const store = new MemoryStore()
    const log = await openLog(store)
    log.append(batchOf(['a']))
    await log.close()
    await store.delete(logFile(0))
    await expect(openLog(store)).rejects.toThrow(/had records up to offset 1 and has no segment now/)
  })

  it('may lack its oldest segments', async () => {
    const store = new MemoryStore()
    const log = await openLog(store, { segmentBytes: 100 })
    for (let i = 0; i < 5; i++) log.append(batchOf([`value ${i}`]))
    await log.close()
    await store.delete(logFile(0))
    const again = await openLog(store)
    expect(again.startOffset).toBe(1)
    expect(await readValues(again)).toHaveLength(4)
  })
})
