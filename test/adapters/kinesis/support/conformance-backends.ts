import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Driver } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import type { Backend } from '../../../conformance/index.ts'
import { type KinesisFake, startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { setCredentials } from './credentials.ts'
import { openWithTables } from './open-with-tables.ts'

const module = new URL('./open-with-tables.ts', import.meta.url).href
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
  const fake = await startKinesisFake({ seed, settleMs: 0, clockSkewMs: Number.POSITIVE_INFINITY })
  const backend = backendOf({ endpoint: fake.endpoint, leases: `log:${leases}`, ...parameters })
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
      await rm(leases, { recursive: true, force: true })
    },
  }
}

/** LocalStack, with leases in its DynamoDB. */
export async function localstackBackend(): Promise<Backend> {
  setCredentials()
  return {
    ...backendOf({ endpoint: await sharedLocalstack() }),
    faults: { crash: (driver) => driver.close() },
    async close() {},
  }
}

function backendOf(parameters: Readonly<Record<string, string>>): Pick<Backend, 'openDriver' | 'child'> {
  const address = `kinesis://us-east-1?${new URLSearchParams(parameters)}`
  return {
    openDriver: () => openWithTables(address, { logger: quiet }),
    child: { module, factory: 'openWithTables', address },
  }
}
