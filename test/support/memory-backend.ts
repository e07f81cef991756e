import { randomUUID } from 'node:crypto'
import { openMemory } from '../../adapters/memory/index.ts'
import type { Driver } from '../../src/driver.ts'
import { quiet } from '../conformance/connection.ts'
import type { Backend } from '../conformance/index.ts'
import { logFaults } from './log-faults.ts'

/** One log in memory for all connections of a suite; `wrap` makes a mutant of each. */
export async function memoryBackend(wrap: (driver: Driver) => Driver = (driver) => driver): Promise<Backend> {
  const address = `memory:${randomUUID()}`
  // The log lives as long as a connection to it: this one.
  const keeper = await openMemory(address, { logger: quiet })
  return {
    openDriver: async () => wrap(await openMemory(address, { logger: quiet })),
    child: {
      module: new URL('../../adapters/memory/index.ts', import.meta.url).href,
      factory: 'openMemory',
      address: 'memory:',
    },
    // In one process nothing dies alone: the connection is torn away beneath the core.
    faults: { ...(await logFaults(keeper)), crash: (driver) => driver.close() },
    close: () => keeper.close(),
  }
}
