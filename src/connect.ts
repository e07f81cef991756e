import { schemeOf, unknownScheme } from './address.ts'
import type { CapabilitiesOf, Capability } from './capabilities.ts'
import type { Driver, DriverFactory, LentTables } from './driver.ts'
import { StreamError } from './errors.ts'
import { type Logger, stderrLogger } from './logger.ts'
import { OpenStreams } from './open-streams.ts'
import type { Streams } from './streams.ts'

export interface ConnectOptions<Required extends Capability = never> {
  /** Checked at once: UNSUPPORTED when the backend lacks one. Types what the address alone does not tell. */
  readonly require?: readonly Required[]
  /** What the backend takes for credentials; refused with INVALID_ARGUMENT where it knows none. */
  readonly credentials?: unknown
  readonly tls?: unknown
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger
}

/** The one place that names adapters. Each loads, with its SDK, when its address is first used. */
const adapters: Readonly<Record<string, () => Promise<DriverFactory>>> = {
  log: async () => (await import('../adapters/log/index.ts')).openLog,
  memory: async () => (await import('../adapters/memory/index.ts')).openMemory,
  kafka: async () => (await import('../adapters/kafka/index.ts')).openKafka,
  msk: async () => (await import('../adapters/kafka/index.ts')).openKafka,
  kinesis: async () => (await import('../adapters/kinesis/index.ts')).openKinesis,
}

/**
 * Opens a backend by its address (`log:DIR`, `memory:`, `kafka://…`, `msk://…`, `kinesis://…`) or anyone's driver, which
 * is closed with it. Errors: INVALID_ARGUMENT (address), UNAVAILABLE, PERMISSION_DENIED, UNSUPPORTED.
 */
export async function connect<const A extends string | Driver, Required extends Capability = never>(
  to: A,
  options: ConnectOptions<Required> = {},
): Promise<Streams<Required | (A extends string ? CapabilitiesOf<A> : never)>> {
  const logger = options.logger ?? stderrLogger
  const driver = typeof to === 'string' ? await openDriver(to, options, logger) : (to as Driver)
  const missing = options.require?.filter((capability) => !driver.capabilities.has(capability)) ?? []
  if (missing.length > 0) {
    await driver.close()
    throw new StreamError(
      'UNSUPPORTED',
      `${driver.address} has no ${missing.join(', ')}: use a backend that does.`,
    )
  }
  return new OpenStreams(driver, logger) as unknown as Streams<
    Required | (A extends string ? CapabilitiesOf<A> : never)
  >
}

async function openDriver(
  address: string,
  options: ConnectOptions<Capability>,
  logger: Logger,
): Promise<Driver> {
  const load = adapters[schemeOf(address)]
  if (load === undefined) throw unknownScheme(address)
  const open = await load()
  const openTables = (lender: string): Promise<LentTables> => lentTables(lender, logger)
  return open(address, { logger, credentials: options.credentials, tls: options.tls, openTables })
}

/** Adapters never know each other: what one lends another is opened here. */
async function lentTables(address: string, logger: Logger): Promise<LentTables> {
  const driver = await openDriver(address, {}, logger)
  const { tables } = driver
  if (tables === undefined) {
    await driver.close()
    throw new StreamError('UNSUPPORTED', `${address} lends no tables: use log:DIR or memory:NAME`)
  }
  return {
    listTables: () => tables.listTables(),
    readRows: (table) => tables.readRows(table),
    readRow: (table, key) => tables.readRow(table, key),
    writeRow: (write) => tables.writeRow(write),
    close: () => driver.close(),
  }
}
