import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog } from '../../../../adapters/log/index.ts'
import type { Driver } from '../../../../src/driver.ts'
import { eventually } from './support/eventually.ts'
import { options, temporaryFolder } from './support/open.ts'
import { TestProcess } from './support/process.ts'
import { readAll } from './support/records.ts'

describe('several processes', () => {
  let address: string
  let processes: TestProcess[]
  beforeEach(() => {
    address = `log:${path.join(temporaryFolder(), 'data')}`
    processes = []
  })
  afterEach(async () => {
    await Promise.all(processes.map((process) => process.kill()))
  })

  const start = async (): Promise<TestProcess> => {
    const process = await TestProcess.open(address)
    processes.push(process)
    return process
  }

  /** Everything acknowledged is there once, and each producer's keys are in order. */
  const judge = async (driver: Driver, producers: readonly TestProcess[]): Promise<void> => {
    const seen = await readAll(driver, 't')
    const values = seen.map((one) => one.value!)
    expect(new Set(values).size).toBe(values.length)
    const acked = producers.flatMap((producer) => producer.values('acked'))
    const there = new Set(values)
    expect(acked.filter((value) => !there.has(value))).toEqual([])
    const lastOf = new Map<string, number>()
    for (const { key, value } of seen) {
      const n = Number(value!.split(':')[1])
      expect(n).toBeGreaterThan(lastOf.get(key!) ?? -1)
      lastOf.set(key!, n)
    }
  }

  it('survive the death of the holder under load, with every acknowledged record once and in order', async () => {
    const holder = await start()
    await holder.call('createTopic', { name: 't', partitions: 3 })
    const [a, b] = [await start(), await start()]
    for (const [process, prefix] of [
      [holder, 'h'],
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      await process.call('produce', { topic: 't', prefix, pauseMs: 1 })
    }
    await eventually('all are acknowledged', () =>
      [holder, a, b].every((one) => one.values('acked').length > 100),
    )
    await holder.kill()
    const reached = [a, b].map((one) => one.values('acked').length)
    await eventually('both go on', () =>
      [a, b].every((one, i) => one.values('acked').length > reached[i]! + 100),
    )
    const second = (await eventually('one is the holder', () =>
      [a, b].find((one) => one.pid === holderPid(address)),
    ))!
    const last = second === a ? b : a
    await second.kill()
    const before = last.values('acked').length
    await eventually('the last goes on', () => last.values('acked').length > before + 100)
    await last.call('stop')
    await last.call('close')
    const driver = await openLog(address, options)
    await judge(driver, [holder, a, b])
    await driver.close()
  }, 60_000)

  it('go on at once when the holder closes politely', async () => {
    const driver = await openLog(address, options)
    await driver.admin.createTopic({ name: 't', partitions: 3 })
    const [a, b] = [await start(), await start()]
    await a.call('produce', { topic: 't', prefix: 'a', pauseMs: 1 })
    await b.call('produce', { topic: 't', prefix: 'b', pauseMs: 1 })
    await eventually('both send', () => [a, b].every((one) => one.values('acked').length > 100))
    await driver.close()
    const reached = [a, b].map((one) => one.values('acked').length)
    await eventually(
      'both go on',
      () => [a, b].every((one, i) => one.values('acked').length > reached[i]! + 100),
      5000,
    )
    await Promise.all([a.call('stop'), b.call('stop')])
    const again = await openLog(address, options)
    await judge(again, [a, b])
    await again.close()
    await Promise.all(
      [a, b].map(async (one) => {
        await one.call('close')
        await one.call('end')
        expect(await one.exited).toBe(0)
      }),
    )
  }, 60_000)

  it('share a group: a killed member loses nothing, and nothing checkpointed comes again', async () => {
    const holder = await start()
    await holder.call('createTopic', { name: 't', partitions: 4 })
    await holder.call('produce', { topic: 't', prefix: 'h', pauseMs: 2 })
    const members = [await start(), await start(), await start()]
    for (const member of members)
      await member.call('consume', { topic: 't', group: 'g', sessionTimeoutMs: 20_000 })
    await eventually('all consume', () =>
      members.every((member) => member.values('checkpointed').length > 20),
    )
    const [killed, ...others] = members as [TestProcess, ...TestProcess[]]
    await killed.kill()
    // Well within the session time-out: a process that is gone is noticed at once.
    await eventually(
      'the others have its partitions',
      () => {
        const assigned = others.flatMap((one) => one.events.filter((event) => event.event === 'assigned'))
        const revoked = others.flatMap((one) => one.events.filter((event) => event.event === 'revoked'))
        return assigned.length - revoked.length === 4
      },
      5000,
    )
    // And now the holder, whose clients keep their membership.
    await holder.call('stop')
    await holder.kill()
    const sent = holder.values('acked')
    await eventually('all is delivered', () => {
      const delivered = new Set(members.flatMap((one) => one.values('delivered')))
      return sent.every((value) => delivered.has(value))
    })
    const again = await TestProcess.open(address)
    processes.push(again)
    await again.call('produce', { topic: 't', prefix: 'n', pauseMs: 2 })
    await eventually('the members go on', () => {
      const checkpointed = new Set(others.flatMap((one) => one.values('checkpointed')))
      return checkpointed.size > 0 && [...checkpointed].filter((value) => value.startsWith('n:')).length > 50
    })
    expect(others.flatMap((one) => one.events.filter((event) => event.event === 'lost'))).toEqual([])
    const counts = new Map<string, number>()
    for (const value of members.flatMap((one) => one.values('delivered')))
      counts.set(value, (counts.get(value) ?? 0) + 1)
    const checkpointed = members.flatMap((one) => one.values('checkpointed'))
    const killedUncommitted = new Set(killed.values('delivered'))
    const twice = checkpointed.filter((value) => counts.get(value)! > 1 && !killedUncommitted.has(value))
    expect(twice).toEqual([])
    for (const value of killed.values('checkpointed')) {
      expect(others.some((one) => one.values('delivered').includes(value))).toBe(false)
    }
  }, 60_000)

  it('lose a stopped member at the end of its session, and refuse its late checkpoint', async () => {
    const driver = await openLog(address, options)
    await driver.admin.createTopic({ name: 't', partitions: 2 })
    const [a, b] = [await start(), await start()]
    await a.call('consume', { topic: 't', group: 'g', sessionTimeoutMs: 700 })
    await b.call('consume', { topic: 't', group: 'g', sessionTimeoutMs: 700 })
    await eventually('each has one', async () => {
      const { members, state } = await driver.groups.describeGroup('g')
      return (
        state === 'stable' &&
        members.length === 2 &&
        members.every((member) => member.assignments.length === 1)
      )
    })
    a.signal('SIGSTOP')
    await eventually('b has both', async () => {
      const { members } = await driver.groups.describeGroup('g')
      return members.length === 1 && members[0]!.assignments.length === 2
    })
    a.signal('SIGCONT')
    await eventually('a heard of it and came back', async () => {
      const { members, state } = await driver.groups.describeGroup('g')
      return a.events.some((event) => event.event === 'lost') && members.length === 2 && state === 'stable'
    })
    await driver.close()
  }, 60_000)

  it('name the holder that is stopped, and go on when it does', async () => {
    const holder = await start()
    await holder.call('createTopic', { name: 't', partitions: 1 })
    holder.signal('SIGSTOP')
    const from = performance.now()
    await expect(openLog(address, options)).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
      message: expect.stringMatching(new RegExp(`process ${holder.pid} .*kill -CONT ${holder.pid}`)),
    })
    expect(performance.now() - from).toBeLessThan(8000)
    holder.signal('SIGCONT')
    const driver = await openLog(address, options)
    expect(await driver.admin.listTopics()).toEqual(['t'])
    await driver.close()
  }, 60_000)
})

function holderPid(address: string): number | undefined {
  const text = fs.readFileSync(path.join(address.slice('log:'.length), '.lock'), 'utf8')
  return text === '' ? undefined : (JSON.parse(text) as { pid: number }).pid
}
