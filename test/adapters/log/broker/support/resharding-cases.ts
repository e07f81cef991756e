import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Driver } from '../../../../../src/driver.ts'
import { eventually } from './eventually.ts'
import { TestMember } from './member.ts'
import type { Backend } from './open.ts'
import { readAll, record } from './records.ts'

export function reshardingCases(backend: Backend): void {
  describe(`${backend.name}: splits and merges`, () => {
    let driver: Driver
    beforeEach(async () => {
      driver = await backend.open()
    })
    afterEach(() => driver.close())

    /** Order per key through lineage: every partition's records come after those of its parents. */
    const readInLineage = async (topic: string): Promise<Map<string, number[]>> => {
      const { partitions } = await driver.admin.describeTopic(topic)
      const seen = await readAll(driver, topic)
      const done = new Set<string>()
      const values = new Map<string, number[]>()
      while (done.size < partitions.length) {
        for (const { id, parents } of partitions) {
          if (done.has(id) || !parents.every((parent) => done.has(parent))) continue
          done.add(id)
          for (const { partition, key, value } of seen) {
            if (partition !== id) continue
            const list = values.get(key!) ?? []
            list.push(Number(value))
            values.set(key!, list)
          }
        }
      }
      return values
    }

    it('grows evenly and keeps the lineage', async () => {
      await driver.admin.createTopic({ name: 't' })
      await driver.admin.addPartitions('t', 6, { acceptReordering: false })
      const { partitions } = await driver.admin.describeTopic('t')
      const open = partitions.filter((partition) => partition.state === 'open')
      expect(open.map((partition) => partition.parents)).toEqual(Array(6).fill(['0']))
      expect(partitions[0]).toMatchObject({ state: 'ended', children: ['1', '2', '3', '4', '5', '6'] })
      expect(BigInt(open[5]!.hashRange!.to)).toBe(2n ** 32n - 1n)
      await expect(driver.admin.addPartitions('t', 5, { acceptReordering: false })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      await expect(driver.admin.splitPartition!('t', '0')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(driver.admin.splitPartition!('t', '99')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(driver.admin.mergePartitions!('t', ['1', '3'])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      expect(await driver.admin.mergePartitions!('t', ['2', '1'])).toEqual(['7'])
    })

    it('loses nothing and keeps the order of keys while partitions split and merge under load', async () => {
      await driver.admin.createTopic({ name: 't', partitions: 2 })
      const producer = await driver.openProducer({ clientId: 'p' })
      let sent = 0
      let stop = false
      const sends: Promise<unknown>[] = []
      const load = (async () => {
        while (!stop) {
          sends.push(
            producer.send(
              't',
              Array.from({ length: 40 }, () => record(`k${sent % 20}`, String(sent++))),
            ),
          )
          if (sends.length % 8 === 0) await sends.at(-1)
          await new Promise(setImmediate)
        }
      })()
      for (let round = 0; round < 6; round++) {
        const { partitions } = await driver.admin.describeTopic('t')
        const open = partitions.filter((partition) => partition.state === 'open')
        open.sort((a, b) => Number(a.hashRange!.from) - Number(b.hashRange!.from))
        if (round % 3 === 2) await driver.admin.mergePartitions!('t', [open[0]!.id, open[1]!.id])
        else await driver.admin.splitPartition!('t', open[0]!.id)
        const reached = sent + 200
        await eventually('more was sent', () => sent > reached)
      }
      stop = true
      await load
      await Promise.all(sends)
      const values = await readInLineage('t')
      let total = 0
      for (const list of values.values()) {
        total += list.length
        expect(list).toEqual(list.toSorted((a, b) => a - b))
      }
      expect(total).toBe(sent)
    })

    it('ends readers of an ended partition, and assigns children when their parents are done', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'p' })
      await producer.send('t', [record('a', '1'), record('b', '2')])
      const member = await TestMember.join(driver, { topics: ['t'] })
      const parent = await eventually('assigned', () => member.held.get('0'))
      const reader = await driver.openReader({
        topic: 't',
        partition: '0',
        start: { checkpoint: parent.checkpoint },
      })
      const signal = AbortSignal.timeout(10_000)
      await reader.next({ maxBytes: 1000, signal })
      const waiting = reader.next({ maxBytes: 1000, signal })
      await driver.admin.splitPartition!('t', '0')
      expect(await waiting).toBeNull()
      await producer.send('t', [record('a', '3'), record('b', '4')])
      expect(member.partitions).toEqual(['0'])
      await member.checkpoint(parent, reader.checkpoint, { ended: true, state: Buffer.from('parked') })
      await eventually('children', () => member.partitions.join() === '1,2')
      expect(member.held.get('1')).toMatchObject({
        checkpoint: '0',
        state: null,
        inherited: [Buffer.from('parked')],
      })
      await member.checkpoint(member.held.get('1')!, '0', { state: Buffer.from('mine') })
      await member.member.leave()
      const next = await TestMember.join(driver, { topics: ['t'] })
      await eventually('children again', () => next.partitions.join() === '1,2')
      expect(next.held.get('1')).toMatchObject({ state: Buffer.from('mine'), inherited: [] })
      const { partitions } = await driver.groups.describeGroup('g')
      expect(partitions.find((p) => p.partition === '0')).toMatchObject({ ended: true, lag: { records: 0 } })
    })

    it('refuses a partition that the caller names and that has ended', async () => {
      await driver.admin.createTopic({ name: 't' })
      const producer = await driver.openProducer({ clientId: 'p' })
      await producer.send('t', [record('a', '1', '0')])
      await driver.admin.splitPartition!('t', '0')
      await expect(producer.send('t', [record('a', '2', '0')])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      await producer.send('t', [record('a', '2')])
    })
  })
}
