import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Driver } from '../../../../../src/driver.ts'
import { eventually } from './eventually.ts'
import { TestMember } from './member.ts'
import type { Backend } from './open.ts'
import { readAll, record } from './records.ts'

export function transactionCases(backend: Backend): void {
  describe(`${backend.name}: transactions`, () => {
    let driver: Driver
    beforeEach(async () => {
      driver = await backend.open()
      await driver.admin.createTopic({ name: 'in', partitions: 1 })
      await driver.admin.createTopic({ name: 'out', partitions: 3 })
    })
    afterEach(() => driver.close())

    const open = (transactionalId?: string, timeoutMs = 10_000) =>
      driver.openTransactions!({
        clientId: 'x',
        timeoutMs,
        ...(transactionalId === undefined ? {} : { transactionalId }),
      })
    const values = async (
      topic: string,
      isolation: 'committed' | 'uncommitted' = 'committed',
    ): Promise<string[]> => (await readAll(driver, topic, { isolation })).map((seen) => seen.value!).sort()

    it('shows all topics of a transaction at its commit, and nothing of an aborted one', async () => {
      const producer = await open('x')
      const first = await producer.begin()
      await first.send('in', [record('a', 'aborted')])
      await first.send('out', [record('a', 'aborted'), record('b', 'aborted')])
      await first.abort()
      const second = await producer.begin()
      await second.send('in', [record('a', 'kept')])
      await second.send('out', [record('a', 'kept'), record('b', 'kept'), record('c', 'kept')])
      expect([...(await values('in')), ...(await values('out'))]).toEqual([])
      expect(await values('in', 'uncommitted')).toEqual(['aborted', 'kept'])
      await second.commit()
      expect([...(await values('in')), ...(await values('out'))]).toEqual(['kept', 'kept', 'kept', 'kept'])
      await expect(second.send('in', [record('a', 'late')])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      for (let i = 0; i < 20; i++) {
        const next = await producer.begin()
        await next.send('out', [record('n', `n${i}`)])
        await (i % 2 === 0 ? next.commit() : next.abort())
      }
      expect((await values('out')).filter((value) => value.startsWith('n')).length).toBe(10)
    })

    it('checkpoints with the commit alone, and fences by the assignment', async () => {
      const plain = await driver.openProducer({ clientId: 'p' })
      await plain.send('in', [record('a', '1'), record('a', '2')])
      const member = await TestMember.join(driver, { topics: ['in'], drainTimeoutMs: 50 })
      const assignment = await eventually('assigned', () => member.held.get('0'))
      const checkpoint = async () => (await driver.groups.describeGroup('g')).partitions[0]!.checkpoint
      const producer = await open()
      const aborted = await producer.begin()
      await aborted.send('out', [record('a', 'x')])
      await aborted.checkpoint(member.member, [{ assignment, checkpoint: '1' }])
      await aborted.abort()
      expect(await checkpoint()).toBe('0')
      const committed = await producer.begin()
      await committed.send('out', [record('a', 'y')])
      await committed.checkpoint(member.member, [{ assignment, checkpoint: '2', state: Buffer.from('s') }])
      expect(await checkpoint()).toBe('0')
      await committed.commit()
      expect(await checkpoint()).toBe('2')
      expect(await values('out')).toEqual(['y'])

      const late = await producer.begin()
      await late.send('out', [record('a', 'z')])
      await late.checkpoint(member.member, [{ assignment, checkpoint: '1' }])
      await driver.groups.seekGroup('g', 'in', 'earliest', { force: true })
      await expect(late.commit()).rejects.toMatchObject({ code: 'FENCED' })
      expect(await checkpoint()).toBe('0')
      expect(await values('out')).toEqual(['y'])
    })

    it('fences the earlier user of a transactional id, whose transaction is aborted', async () => {
      const old = await open('shared')
      const left = await old.begin()
      await left.send('out', [record('a', 'old')])
      const fresh = await open('shared')
      await expect(left.send('out', [record('a', 'older')])).rejects.toMatchObject({ code: 'FENCED' })
      await expect(left.commit()).rejects.toMatchObject({ code: 'FENCED' })
      const next = await fresh.begin()
      await next.send('out', [record('a', 'new')])
      await next.commit()
      expect(await values('out')).toEqual(['new'])
    })

    it('aborts what is open for too long', async () => {
      const producer = await open('slow', 100)
      const slow = await producer.begin()
      await slow.send('out', [record('a', 'late')])
      const plain = await driver.openProducer({ clientId: 'p' })
      const ack = await plain.send('out', [record('a', 'after')])
      await eventually('the time-out', async () => (await values('out')).length === 1)
      expect(ack.count).toBe(1)
      await expect(slow.commit()).rejects.toMatchObject({ code: 'FENCED' })
    })

    it('commits across a split', async () => {
      const producer = await open()
      const transaction = await producer.begin()
      await transaction.send('in', [record('a', '1')])
      await driver.admin.splitPartition!('in', '0')
      await transaction.send('in', [record('a', '2'), record('b', '3')])
      const reader = await driver.openReader({ topic: 'in', partition: '0', start: { from: 'earliest' } })
      const signal = AbortSignal.timeout(10_000)
      const first = reader.next({ maxBytes: 1000, signal })
      await transaction.commit()
      expect((await first)?.count).toBe(1)
      for (let batch = await reader.next({ maxBytes: 1000, signal }); batch !== null; ) {
        expect(batch.count).toBe(0)
        batch = await reader.next({ maxBytes: 1000, signal })
      }
      expect(await values('in')).toEqual(['1', '2', '3'])
    })

    it('closes with an abort', async () => {
      const producer = await open('x')
      const transaction = await producer.begin()
      await transaction.send('out', [record('a', '1')])
      await producer.close()
      await producer.close()
      expect(await values('out')).toEqual([])
      const plain = await driver.openProducer({ clientId: 'p' })
      await plain.send('out', [record('a', '2')])
      expect(await values('out')).toEqual(['2'])
      await expect(producer.begin()).rejects.toMatchObject({ code: 'CLOSED' })
    })
  })
}
