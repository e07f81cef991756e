import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { DriverFactory } from '../../../../src/driver.ts'
import { openTables } from '../leasing/support/lent-tables.ts'

/** As `connect` opens it, with what the log lends for leases. */
export const openWithTables: DriverFactory = (address, options) =>
  openKinesis(address, { ...options, openTables })
