import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Driver } from '../../../../src/driver.ts'
import type { Backend } from '../../../conformance/index.ts'
import { type KinesisFake, startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'
import { openTables } from '../leasing/support/lent-tables.ts'
import { connections } from './connections.ts'
import { setCredentials } from './credentials.ts'

const DAY_AND_MORE_MS = 25 * 3_600_000

export interface FakeBackend extends Backend {
  readonly fake: KinesisFake
}

/** A fake that keeps the service's limits, with leases in a log of its own. */
export async function fakeBackend(
  parameters: Readonly<Record<string, string>> = {},
  seed = 1,
): Promise<FakeBackend> {
  setCredentials()
  const leases = await mkdtemp(path.join(tmpdir(), 'millrace-leases-'))
  // The suite turns the service's clock on to end retention; requests are dated by this machine's.
  // Held by this process: one of the suite's may be stopped, and would hold up all others with it.
  const tables = await openTables(`log:${leases}`)
  await tables.listTables()
  const fake = await startKinesisFake({ seed, settleMs: 0, clockSkewMs: Number.POSITIVE_INFINITY })
  const backend = connections({ endpoint: fake.endpoint, leases: `log:${leases}`, ...parameters })
  const open = new Set<Driver>()
  return {
    ...backend,
    fake,
    async openDriver() {
      // Another case: the clock that the last one put forward is right again.
      if (open.size === 0) fake.clock.offsetMs = 0
      const driver = await backend.openDriver()
      open.add(driver)
      const close = driver.close.bind(driver)
      driver.close = () => {
        open.delete(driver)
        return close()
      }
      return driver
    },
    faults: {
      async expire() {
        fake.clock.offsetMs += DAY_AND_MORE_MS
      },
      crash: (driver) => driver.close(),
    },
    async close() {
      await fake.stop()
      await tables.close()
      await rm(leases, { recursive: true, force: true })
    },
  }
}
