import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Driver } from '../../../../../src/driver.ts'
import { eventually } from './eventually.ts'
import type { Backend } from './open.ts'
import { byKey, readAll, record } from './records.ts'

const signal = (): AbortSignal => AbortSignal.timeout(10_000)

export function produceCases(backend: Backend): void {
  describe(`${backend.name}: topics, producing and reading`, () => {
    let driver: Driver
    beforeEach(async () => {
      driver = await backend.open()
    })
    afterEach(() => driver.close())

    it('acknowledges with the place where the record then stands', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 3 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const records = Array.from({ length: 500 }, (_, i) => record(`k${i % 50}`, `v${i}`))
      const acks = await Promise.all([
        producer.send('t', records.slice(0, 200)),
        producer.send('t', records.slice(200)),
      ])
      const seen = new Map((await readAll(driver, 't')).map((r) => [`${r.partition}@${r.position}`, r]))
      expect(seen.size).toBe(500)
      for (const [n, ack] of acks.entries()) {
        for (let i = 0; i < ack.count; i++) {
          expect(seen.get(`${ack.partition(i)}@${ack.position(i)}`)?.value).toBe(`v${n * 200 + i}`)
        }
      }
    })

    it('keeps the order of a key through many small concurrent sends', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 4 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const sends = Array.from({ length: 2000 }, (_, i) =>
        producer.send('t', [record(`k${i % 7}`, String(i))]),
      )
      await Promise.all(sends)
      for (const values of byKey(await readAll(driver, 't')).values()) {
        expect(values.map(Number)).toEqual(values.map(Number).sort((a, b) => a - b))
      }
    })

    it('spreads records without a key over the partitions, and takes null values, empty keys and headers', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 3 })
      const producer = await driver.openProducer({ clientId: 'p' })
      for (let i = 0; i < 6; i++) await producer.send('t', [record(null, 'x')])
      expect(new Set((await readAll(driver, 't')).map((r) => r.partition)).size).toBe(3)
      const headers = [
        { name: 'h', value: Buffer.from([0, 255]) },
        { name: 'h', value: null },
      ]
      const ack = await producer.send('t', [{ ...record('', null, '1'), headers, timestamp: 5 }])
      const at = { at: ack.position(0) }
      const reader = await driver.openReader({
        topic: 't',
        partition: '1',
        start: { from: at },
        until: 'now',
      })
      const batch = (await reader.next({ maxBytes: 1000, signal: signal() }))!
      expect([batch.key(0)?.length, batch.value(0), batch.timestamp(0)]).toEqual([0, null, 5])
      expect(batch.headers(0)).toEqual(headers)
      expect(batch.end).toBe(String(Number(ack.position(0)) + 1))
      expect(batch.lag).toEqual({ records: 0 })
    })

    it('splits a call that is larger than a batch, and merges small ones', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 2 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const value = 'x'.repeat(1000)
      const records = Array.from({ length: 9000 }, (_, i) => record(`k${i}`, value))
      const ack = await producer.send('t', records)
      const seen = await readAll(driver, 't')
      expect(seen.length).toBe(9000)
      const placed = new Map(seen.map((r) => [r.key, `${r.partition}@${r.position}`]))
      for (let i = 0; i < 9000; i += 100)
        expect(`${ack.partition(i)}@${ack.position(i)}`).toBe(placed.get(`k${i}`))
    })

    it('refuses a record that is too large before anything of its call is sent', async () => {
      await driver.admin.createTopic({ name: 't', maxRecordBytes: 100 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const call = producer.send('t', [record('a', 'ok'), record('b', 'x'.repeat(100))])
      await expect(call).rejects.toMatchObject({
        code: 'RECORD_TOO_LARGE',
        message: expect.stringContaining('takes 100'),
      })
      await producer.send('t', [record('b', 'x'.repeat(99))])
      expect((await readAll(driver, 't')).length).toBe(1)
    })

    it('tells which records of a call failed', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 2 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const call = producer.send('t', [record('a', '1'), record('b', '2', '9')])
      await expect(call).rejects.toMatchObject({
        code: 'PARTIAL_FAILURE',
        outcomes: [{ position: '0' }, { error: { code: 'NOT_FOUND' } }],
      })
      await expect(producer.send('nowhere', [record('a', '1')])).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await driver.admin.createTopic({ name: 'nowhere' })
      await producer.send('nowhere', [record('a', '1')])
    })

    it('reads from every kind of start to every kind of end', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'p' })
      for (let i = 0; i < 10; i++)
        await producer.send('t', [{ ...record('k', String(i)), timestamp: 1000 + i * 10 }])
      const read = async (from: object | string, until: object | string): Promise<string> => {
        const reader = await driver.openReader({
          topic: 't',
          partition: '0',
          start: { from: from as 'earliest' },
          until: until as 'now',
        })
        let values = ''
        for (;;) {
          const batch = await reader.next({ maxBytes: 100, signal: signal() })
          if (batch === null) return values
          for (let i = 0; i < batch.count; i++) values += Buffer.from(batch.value(i)!).toString()
        }
      }
      expect(await read('earliest', 'now')).toBe('0123456789')
      expect(await read('latest', 'now')).toBe('')
      expect(await read({ at: '3' }, { at: '6' })).toBe('345')
      expect(await read({ after: '3' }, { after: '6' })).toBe('456')
      expect(await read({ timestamp: 1031 }, { timestamp: 1060 })).toBe('45')
      expect(await read({ timestamp: new Date(1030) }, 'now')).toBe('3456789')
      expect(await read({ timestamp: 5000 }, 'now')).toBe('')
      expect(await read('earliest', { timestamp: 9e12 }).catch((error) => error.name)).toBe('TimeoutError')
    }, 20_000)

    it('waits for records, and ends a wait by signal and by close', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'p' })
      const reader = await driver.openReader({ topic: 't', partition: '0', start: { from: 'latest' } })
      const waiting = reader.next({ maxBytes: 1000, signal: signal() })
      await producer.send('t', [record('a', '1')])
      expect((await waiting)?.count).toBe(1)
      const controller = new AbortController()
      const aborted = reader.next({ maxBytes: 1000, signal: controller.signal })
      controller.abort(new Error('enough'))
      await expect(aborted).rejects.toThrow('enough')
      await producer.send('t', [record('a', '2')])
      expect((await reader.next({ maxBytes: 1000, signal: signal() }))?.position(0)).toBe('1')
      expect(reader.checkpoint).toBe('2')
      const last = reader.next({ maxBytes: 1000, signal: signal() })
      await reader.close()
      await expect(last).rejects.toMatchObject({ code: 'CLOSED' })
    })

    it('refuses malformed positions and those beyond the end, and says what a position looks like', async () => {
      await driver.admin.createTopic({ name: 't' })
      const open = (start: object) =>
        driver.openReader({ topic: 't', partition: '0', start: start as { checkpoint: string } })
      for (const start of [
        { checkpoint: 'x' },
        { from: { at: '-1' } },
        { from: { after: '01' } },
        { from: 'now' },
      ]) {
        await expect(open(start)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
      await expect(open({ checkpoint: '1' })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        position: '1',
      })
      await expect(
        driver.openReader({ topic: 't', partition: '7', start: { from: 'earliest' } }),
      ).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      expect(() => driver.comparePositions('1', 'b')).toThrow(/offsets like/)
      expect(driver.comparePositions('9', '10')).toBeLessThan(0)
    })

    it('creates, lists, describes and deletes topics', async () => {
      await driver.admin.createTopic({ name: 'b', partitions: 2, compacted: true, retentionMs: 3_600_000 })
      await driver.admin.createTopic({ name: 'a' })
      expect(await driver.admin.listTopics()).toEqual(['a', 'b'])
      const description = await driver.admin.describeTopic('b')
      expect(description).toMatchObject({ compacted: true, retentionMs: 3_600_000 })
      expect(description.partitions.map((p) => p.hashRange)).toEqual([
        { from: '0', to: '2147483647' },
        { from: '2147483648', to: '4294967295' },
      ])
      await expect(driver.admin.createTopic({ name: 'a' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
      for (const name of ['', 'a b', 'a/b', '__mine', 'x'.repeat(250)]) {
        await expect(driver.admin.createTopic({ name })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
      await expect(driver.admin.createTopic({ name: 'x', settings: { y: '1' } })).rejects.toThrow(
        /segmentBytes/,
      )
      await expect(driver.admin.describeTopic('x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await driver.admin.deleteTopic('a')
      await expect(driver.admin.deleteTopic('a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('tells readers and producers that their topic is gone, and serves a new one of that name', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'p' })
      await producer.send('t', [record('a', 'old'), record('b', 'old')])
      const reader = await driver.openReader({ topic: 't', partition: '0', start: { from: 'latest' } })
      const waiting = expect(reader.next({ maxBytes: 1000, signal: signal() })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await driver.admin.deleteTopic('t')
      await waiting
      await expect(producer.send('t', [record('a', 'x')])).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await driver.admin.createTopic({ name: 't' })
      const ack = await producer.send('t', [record('a', 'new')])
      expect(ack.position(0)).toBe('0')
      expect((await readAll(driver, 't')).map((r) => r.value)).toEqual(['new'])
    })

    it('answers a position that retention removed with POSITION_EXPIRED', async () => {
      await driver.admin.createTopic({ name: 't', retentionMs: 200 })
      const producer = await driver.openProducer({ clientId: 'p' })
      const reader = await driver.openReader({ topic: 't', partition: '0', start: { from: 'earliest' } })
      await producer.send('t', [{ ...record('a', 'old'), timestamp: 1000 }])
      await eventually('retention', async () => {
        const [partition] = (await driver.admin.describeTopic('t')).partitions
        return partition!.earliest === '1'
      })
      await expect(reader.next({ maxBytes: 1000, signal: signal() })).rejects.toMatchObject({
        code: 'POSITION_EXPIRED',
      })
      await expect(
        driver.openReader({ topic: 't', partition: '0', start: { checkpoint: '0' } }),
      ).rejects.toMatchObject({ code: 'POSITION_EXPIRED' })
    })

    it('closes: later sends are refused by name, what was sent is there', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'mine' })
      const sent = Array.from({ length: 50 }, () => producer.send('t', [record('a', 'b')]))
      await producer.close(5000)
      await producer.close(5000)
      expect((await Promise.allSettled(sent)).every((result) => result.status === 'fulfilled')).toBe(true)
      await expect(producer.send('t', [record('a', 'b')])).rejects.toMatchObject({
        code: 'CLOSED',
        message: /mine/,
      })
      await driver.close()
      await driver.close()
      await expect(driver.admin.listTopics()).rejects.toMatchObject({ code: 'CLOSED' })
    })

    it('compresses by choice', async () => {
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
        await driver.admin.createTopic({ name: compression, compression })
        const producer = await driver.openProducer({ clientId: 'p' })
        await producer.send(
          compression,
          Array.from({ length: 1000 }, (_, i) => record('k', `value ${i % 3}`)),
        )
        const { partitions } = await driver.admin.describeTopic(compression)
        expect(partitions[0]!.bytes).toBeLessThan(12_000)
        expect((await readAll(driver, compression))[999]!.value).toBe('value 0')
      }
    })
  })
}
