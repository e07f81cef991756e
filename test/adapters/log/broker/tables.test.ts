import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog } from '../../../../adapters/log/index.ts'
import { eventually } from './support/eventually.ts'
import { options, temporaryFolder } from './support/open.ts'
import { TestProcess } from './support/process.ts'

describe('tables that several processes write', () => {
  let address: string
  let processes: TestProcess[]
  beforeEach(() => {
    address = `log:${path.join(temporaryFolder(), 'data')}`
    processes = []
  })
  afterEach(async () => {
    await Promise.all(processes.map((process) => process.kill()))
  })

  it('lose no write and take none twice, when their holder is killed and when all are', async () => {
    for (let i = 0; i < 3; i++) processes.push(await TestProcess.open(address))
    const [holder, ...others] = processes as [TestProcess, ...TestProcess[]]
    for (const process of processes) await process.call('count', { table: 'sums', key: 'k' })
    await eventually('all count', () => processes.every((one) => one.values('counted').length > 50))
    await holder.kill()
    const reached = others.map((one) => one.values('counted').length)
    await eventually('the others go on', () =>
      others.every((one, i) => one.values('counted').length > reached[i]! + 50),
    )
    await Promise.all(others.map((one) => one.kill()))
    const sums = processes.flatMap((one) => one.values('counted').map(Number))
    // Each sum was written by one alone. The killed may have written one that they could not tell of.
    expect(new Set(sums).size).toBe(sums.length)
    const driver = await openLog(address, options)
    const last = Number((await driver.tables!.readRow('sums', 'k'))?.value)
    expect(last).toBeGreaterThanOrEqual(Math.max(...sums))
    expect(last - sums.length).toBeGreaterThanOrEqual(0)
    expect(last - sums.length).toBeLessThanOrEqual(processes.length)
    await driver.close()
  }, 60_000)
})
