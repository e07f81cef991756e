import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Assignment, Driver } from '../../../../../src/driver.ts'
import { eventually } from './eventually.ts'
import { TestMember } from './member.ts'
import type { Backend } from './open.ts'
import { record } from './records.ts'

export function groupCases(backend: Backend): void {
  describe(`${backend.name}: groups`, () => {
    let driver: Driver
    beforeEach(async () => {
      driver = await backend.open()
      await driver.admin.createTopic({ name: 't', partitions: 6 })
    })
    afterEach(() => driver.close())

    const join = (options: object = {}): Promise<TestMember> =>
      TestMember.join(driver, { topics: ['t'], ...options })
    const settled = (...members: readonly TestMember[]): Promise<unknown> => {
      const counts = members
        .map((_, i) => Math.floor((6 + i) / members.length))
        .sort()
        .join()
      return eventually(`partitions shared ${counts}`, () => {
        return (
          members
            .map((member) => member.held.size)
            .sort()
            .join() === counts
        )
      })
    }
    const fill = async (): Promise<void> => {
      const producer = await driver.openProducer({ clientId: 'p' })
      for (let p = 0; p < 6; p++) {
        await producer.send(
          't',
          Array.from({ length: 10 }, (_, i) => record('k', String(i), String(p))),
        )
      }
    }

    it('shares partitions evenly, moving as few as it can', async () => {
      const a = await join()
      await settled(a)
      const b = await join()
      await settled(a, b)
      expect(a.log.filter((entry) => entry.startsWith('revoked')).length).toBe(3)
      const c = await join()
      await settled(a, b, c)
      expect(c.log.every((entry) => entry.startsWith('assigned'))).toBe(true)
      expect(new Set([...a.partitions, ...b.partitions, ...c.partitions]).size).toBe(6)
      const before = b.partitions
      await a.member.leave()
      await settled(b, c)
      expect(b.partitions).toEqual(expect.arrayContaining(before))
      expect((await driver.groups.describeGroup('g')).state).toBe('stable')
    })

    it('gives a partition to its next owner only after the one before has drained it', async () => {
      await fill()
      const a = await join()
      await settled(a)
      const drained = Promise.withResolvers<void>()
      const revoked: Assignment[] = []
      a.drain = async (assignment) => {
        revoked.push(assignment)
        await drained.promise
        expect(await a.checkpoint(assignment, '7')).toBeUndefined()
      }
      const b = await join()
      await eventually('revocations', () => revoked.length === 3)
      expect(b.held.size).toBe(0)
      expect((await driver.groups.describeGroup('g')).state).toBe('rebalancing')
      drained.resolve()
      await settled(a, b)
      for (const assignment of revoked) {
        const next = b.held.get(assignment.partition)!
        expect(next.checkpoint).toBe('7')
        expect(next.epoch).toBeGreaterThan(assignment.epoch)
        expect(await a.checkpoint(assignment, '8')).toBe('FENCED')
      }
    })

    it('takes a partition by force when it is not drained in time', async () => {
      const a = await join({ drainTimeoutMs: 100 })
      await settled(a)
      a.drain = () => new Promise(() => {})
      const held = [...a.held.values()]
      const b = await join()
      await eventually('b has 3', () => b.held.size === 3)
      const lost = held.filter((assignment) => b.held.has(assignment.partition))
      await eventually('a was told', () => lost.every((one) => a.log.includes(`lost ${one.partition}`)))
      expect(await a.checkpoint(lost[0]!, '0')).toBe('FENCED')
    })

    it('keeps checkpoints and states, and refuses ones that are malformed or beyond the end', async () => {
      await fill()
      const a = await join()
      await settled(a)
      const assignment = a.held.get('2')!
      expect(await a.checkpoint(assignment, '4', { state: Buffer.from([1, 2, 0]) })).toBeUndefined()
      expect(await a.checkpoint(assignment, '5')).toBeUndefined()
      expect(await a.checkpoint(assignment, '11')).toBe('INVALID_ARGUMENT')
      expect(await a.checkpoint(assignment, '1.5')).toBe('INVALID_ARGUMENT')
      expect(await a.checkpoint(assignment, '5', { state: Buffer.alloc(a.member.maxStateBytes + 1) })).toBe(
        'INVALID_ARGUMENT',
      )
      expect(await a.checkpoint({ ...assignment, epoch: assignment.epoch - 1 }, '5')).toBe('FENCED')
      const described = (await driver.groups.describeGroup('g')).partitions.find((p) => p.partition === '2')!
      expect(described).toMatchObject({ checkpoint: '5', lag: { records: 5 }, owner: a.member.memberId })
      await a.member.leave()
      const b = await join()
      await settled(b)
      expect(b.held.get('2')).toMatchObject({ checkpoint: '5', state: Buffer.from([1, 2, 0]) })
      expect(b.held.get('3')).toMatchObject({ checkpoint: '0', state: null })
    })

    it('resolves `from` once, for the partitions that are there', async () => {
      await fill()
      const a = await join({ from: 'latest' })
      await settled(a)
      expect(a.held.get('0')!.checkpoint).toBe('10')
      await a.member.leave()
      const b = await join({ from: 'earliest' })
      await settled(b)
      expect(b.held.get('0')!.checkpoint).toBe('10')
      const c = await join({ group: 'other', from: { timestamp: Date.now() + 60_000 } })
      await settled(c)
      expect(c.held.get('0')!.checkpoint).toBe('10')
      await expect(join({ group: 'x', from: { at: '11' } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      await expect(join({ topics: ['nowhere'] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('lets go of one partition at once, and does not offer it again before it is reclaimed', async () => {
      const a = await join()
      await settled(a)
      const assignment = a.held.get('1')!
      await a.member.abandon(assignment)
      expect(await a.checkpoint(assignment, '0')).toBe('FENCED')
      const b = await join()
      await eventually('b got it', () => b.held.has('1'))
      await b.member.leave()
      await eventually('the rest came back', () => a.held.size === 6 && a.held.get('1') === assignment)
      await a.member.reclaim('t', '1')
      await eventually('offered again', () => a.held.get('1') !== assignment)
      expect(a.held.get('1')!.epoch).toBeGreaterThan(assignment.epoch)
    })

    it('seeks a group, by force while members are live', async () => {
      await fill()
      const a = await join()
      await settled(a)
      await a.checkpoint(a.held.get('0')!, '9')
      const old = a.held.get('0')!
      await expect(driver.groups.seekGroup('g', 't', { at: '2' }, {})).rejects.toMatchObject({
        code: 'FENCED',
      })
      await expect(driver.groups.deleteGroup('g')).rejects.toMatchObject({ code: 'FENCED' })
      await driver.groups.seekGroup('g', 't', { at: '2' }, { force: true, partition: '0' })
      await eventually('assigned anew', () => a.held.get('0')?.checkpoint === '2')
      expect(await a.checkpoint(old, '9')).toBe('FENCED')
      await a.member.leave()
      await driver.groups.seekGroup('g', 't', 'latest', {})
      expect((await driver.groups.describeGroup('g')).partitions.map((p) => p.lag.records)).toEqual([
        0, 0, 0, 0, 0, 0,
      ])
      await driver.groups.seekGroup('fresh', 't', { after: '3' }, {})
      expect(await driver.groups.listGroups()).toEqual(['fresh', 'g'])
      await driver.groups.deleteGroup('g')
      await expect(driver.groups.describeGroup('g')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(driver.groups.seekGroup('g', 't', { at: '11' }, {})).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    })

    it('ends a membership when its topic is deleted', async () => {
      const a = await join()
      await settled(a)
      await driver.admin.deleteTopic('t')
      await eventually('told', () => a.failures.length === 1)
      expect(a.failures[0]).toMatchObject({ code: 'NOT_FOUND', topic: 't' })
      await driver.admin.createTopic({ name: 't', partitions: 6 })
      const b = await join()
      await settled(b)
    })
  })
}
