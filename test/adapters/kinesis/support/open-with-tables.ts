import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { DriverFactory } from '../../../../src/driver.ts'
import { openTables } from '../leasing/support/lent-tables.ts'
import { lengthenSessions } from './lengthen-sessions.ts'

/** Longer than the pauses of a process that has service, leases and members in it, on a busy machine. */
const LEAST_SESSION_MS = 1_000

/** As `connect` opens it, with what the log lends for leases, and sessions that do not end by chance. */
export const openWithTables: DriverFactory = async (address, options) =>
  lengthenSessions(await openKinesis(address, { ...options, openTables }), LEAST_SESSION_MS)
