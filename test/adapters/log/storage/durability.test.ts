import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FileStore } from '../../../../adapters/log/storage/file-store.ts'
import { FaultyStore } from './faulty-store.ts'
import {
  batchOf,
  logFile,
  Messages,
  openLog,
  readValues,
  snapshotStore,
  temporaryFolder,
} from './fixtures.ts'

describe("fsync 'batch'", () => {
  it('serves all that wait with one sync at a time', async () => {
    const store = new FaultyStore()
    const log = await openLog(store, { fsync: 'batch' })
    const { promise, resolve } = Promise.withResolvers<void>()
    store.gate = promise
    store.syncs.length = 0
    log.append(batchOf(['a']))
    const first = log.durable()
    log.append(batchOf(['b']))
    const second = log.durable()
    log.append(batchOf(['c']))
    const third = log.durable()
    expect(second).toBe(third)
    expect(first).not.toBe(second)
    resolve()
    await Promise.all([first, second, third])
    expect(store.syncs).toEqual([logFile(0), logFile(0)])
    expect(log.durable()).toBeUndefined()
  })

  it('waits for what is being synced already', async () => {
    const store = new FaultyStore()
    const log = await openLog(store, { fsync: 'batch' })
    await log.durable()
    const { promise, resolve } = Promise.withResolvers<void>()
    store.gate = promise
    log.append(batchOf(['a']))
    expect(log.durable()).toBe(log.durable())
    resolve()
    await log.durable()
  })

  it('syncs segments that were sealed meanwhile too', async () => {
    const store = new FaultyStore()
    const log = await openLog(store, { fsync: 'batch', segmentBytes: 100 })
    await log.durable()
    store.syncs.length = 0
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
    await log.durable()
    expect(new Set(store.syncs)).toEqual(new Set([logFile(0), logFile(1), logFile(2)]))
  })

  it('fails for good when a sync fails, because the system may have dropped the bytes', async () => {
    const store = new FaultyStore()
    const logger = new Messages()
    const log = await openLog(store, { fsync: 'batch', logger })
    log.append(batchOf(['a']))
    await log.durable()
    log.append(batchOf(['b']))
    store.syncError = 'EIO'
    const error = { code: 'UNAVAILABLE', message: expect.stringMatching(/EIO.*open the log anew/s) }
    await expect(log.durable()).rejects.toMatchObject(error)
    store.syncError = undefined
    expect(() => log.append(batchOf(['c']))).toThrow(expect.objectContaining(error))
    await expect(log.durable()).rejects.toMatchObject(error)
    await log.close()
    expect(logger.lines[0]).toMatch(/^error orders-0: the disk did not take/)
    const again = await openLog(store)
    expect(await readValues(again)).toEqual(['a', 'b'])
    expect(again.append(batchOf(['c'])).baseOffset).toBe(2)
  })
})

describe('fsync at an interval or never', () => {
  it('makes no promise, and syncs when the interval is over', async () => {
    const store = new FaultyStore()
    const log = await openLog(store, { fsync: { intervalMs: 5 } })
    log.append(batchOf(['a']))
    expect(log.durable()).toBeUndefined()
    await vi.waitUntil(() => store.syncs.length > 0)
    log.updateOptions({ fsync: 'never' })
    store.syncs.length = 0
    log.append(batchOf(['b']))
    expect(log.durable()).toBeUndefined()
    await log.flush()
    expect(store.syncs).toEqual([logFile(0)])
  })

  it("syncs sealed segments even with 'never', so that a crash does not make opening slow", async () => {
    const store = new FaultyStore()
    const log = await openLog(store, { fsync: 'never', segmentBytes: 100 })
    log.append(batchOf(['a']))
    log.append(batchOf(['b']))
    await vi.waitUntil(() => store.list().includes(logFile(1).replace('log', 'producers')))
    expect(store.syncs).toEqual([logFile(0)])
  })
})

describe('a full disk', () => {
  for (const code of ['ENOSPC', 'EIO']) {
    it(`fails the append with ${code} and goes on when there is room again`, async () => {
      const store = new FaultyStore()
      const log = await openLog(store, { segmentBytes: 200 })
      for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
      store.writeError = code
      const batch = batchOf(['d'], { producerId: 1, producerEpoch: 0, baseSequence: 0 })
      const remedy = code === 'EIO' ? /EIO.*look after the disk and send again/s : /full: free some room/
      for (let i = 0; i < 3; i++) {
        expect(() => log.append(batch)).toThrow(
          expect.objectContaining({
            code: 'UNAVAILABLE',
            retryable: true,
            message: expect.stringMatching(remedy),
          }),
        )
      }
      expect(log.endOffset).toBe(3)
      expect(await readValues(log)).toEqual(['a', 'b', 'c'])
      store.writeError = undefined
      expect(log.append(batch)).toEqual({ baseOffset: 3, duplicate: false })
      expect(await readValues(log)).toEqual(['a', 'b', 'c', 'd'])
      expect(await readValues(await openLog(snapshotStore(store)))).toEqual(['a', 'b', 'c', 'd'])
    })
  }

  it('leaves the log whole when it is full at a close', async () => {
    const store = new FaultyStore()
    const logger = new Messages()
    const log = await openLog(store, { logger, segmentBytes: 100 })
    for (const value of ['a', 'b', 'c']) log.append(batchOf([value]))
    store.writeError = 'ENOSPC'
    await log.close()
    expect(logger.lines.at(-1)).toMatch(/^warn orders-0: cannot close the log.*full/)
    store.writeError = undefined
    const again = await openLog(store)
    expect(again.recovered).toBeUndefined()
    expect(await readValues(again)).toEqual(['a', 'b', 'c'])
  })

  it('on a real file system: what was written in part is cut off again', async ({ skip }) => {
    const folder = temporaryFolder()
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder])
    if (mounted.status !== 0) skip('a small file system can be mounted by root on Linux only')
    onTestFinished(() => {
      spawnSync('umount', ['-l', folder])
    })
    const store = new FileStore(path.join(folder, 'orders-0'))
    const log = await openLog(store, { fsync: 'batch' })
    const value = 'x'.repeat(50_000)
    let written = 0
    const fill = () => {
      for (;;) {
        log.append(batchOf([value]))
        written++
      }
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    expect(fill).toThrow(/full: free some room/)
    expect(written).toBeGreaterThan(5)
    const file = path.join(store.location, logFile(0))
    expect(fs.statSync(file).size).toBe(log.sizeBytes)
    expect(log.sizeBytes).toBe(written * batchOf([value]).length)
    await log.durable()
    spawnSync('mount', ['-o', 'remount,size=2m', folder])
    expect(log.append(batchOf(['after'])).baseOffset).toBe(written)
    const values = await readValues(log)
    expect(values).toHaveLength(written + 1)
    expect(values.at(-1)).toBe('after')
    await log.close()
    const again = await openLog(store)
    expect(again.recovered).toBeUndefined()
    expect(again.endOffset).toBe(written + 1)
    await again.close()
  })
})
