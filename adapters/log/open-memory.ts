import type { Driver, DriverOptions } from '../../src/driver.ts'
import { parseAddress } from './address.ts'
import { Broker } from './broker/broker.ts'
import { memoryStores } from './broker/store-factory.ts'
import { LOCAL_CAPABILITIES } from './capabilities.ts'
import { LogDriver } from './driver.ts'
import { localLink } from './local-link.ts'
import { refuseCredentials } from './refuse-credentials.ts'

interface Shared {
  readonly broker: Promise<Broker>
  users: number
}

const named = new Map<string, Shared>()

/** See `openMemory` of the memory adapter. */
export async function openMemoryLog(address: string, options: DriverOptions): Promise<Driver> {
  refuseCredentials(options, 'memory')
  const { path: name, topic } = parseAddress(address, 'memory')
  const open = (): Promise<Broker> =>
    Broker.open({
      stores: memoryStores(),
      log: { logger: options.logger, fsync: 'never' },
      logger: options.logger,
    })
  let shared = name === '' ? undefined : named.get(name)
  if (shared === undefined) {
    shared = { broker: open(), users: 0 }
    if (name !== '') named.set(name, shared)
  }
  const mine = shared
  mine.users++
  const broker = await mine.broker
  const link = localLink(broker, async (owner) => {
    broker.ownerGone(owner)
    if (--mine.users > 0) return
    if (named.get(name) === mine) named.delete(name)
    await broker.close()
  })
  return new LogDriver({ name: 'memory', address, capabilities: LOCAL_CAPABILITIES, link, defaults: topic })
}
