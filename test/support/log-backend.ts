import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '../../adapters/log/index.ts'
import type { Driver } from '../../src/driver.ts'
import { Child } from '../conformance/children/child.ts'
import { quiet } from '../conformance/connection.ts'
import type { Backend } from '../conformance/index.ts'
import { logFaults } from './log-faults.ts'

/** A log in a folder of its own, held by this process and served to the suite's children. */
export async function logBackend(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
  const child = logChild(folder)
  const keeper = await openLog(child.address, { logger: quiet })
  return {
    openDriver: () => openLog(child.address, { logger: quiet }),
    child,
    faults: { ...(await logFaults(keeper)), crash: (driver) => driver.close() },
    async close() {
      await keeper.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The same held by another process, which this one and the suite's children talk to until it is killed. */
export async function servedLogBackend(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
  const child = logChild(folder)
  let server: Child | undefined
  let open = 0
  const openDriver = async (): Promise<Driver> => {
    // Where nobody else is connected the new process takes the folder.
    if (open++ === 0 && server === undefined) {
      server = new Child(child, { role: 'stay', member: 'server' }, () => {})
      await server.says('ready')
    }
    const driver = await openLog(child.address, { logger: quiet })
    const close = driver.close.bind(driver)
    let closing: Promise<void> | undefined
    driver.close = () => {
      closing ??= close().finally(() => open--)
      return closing
    }
    return driver
  }
  const first = await openDriver()
  const faults = await logFaults(first, openDriver)
  await first.close()
  return {
    openDriver,
    child,
    faults: {
      ...faults,
      crash: (driver) => driver.close(),
      async loseServer() {
        await server?.kill()
        server = undefined
      },
    },
    async close() {
      await server?.finish()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function logChild(folder: string) {
  const module = new URL('../../adapters/log/index.ts', import.meta.url).href
  return { module, factory: 'openLog', address: `log:${folder}` }
}
