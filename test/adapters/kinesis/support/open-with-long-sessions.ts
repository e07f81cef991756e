import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { DriverFactory } from '../../../../src/driver.ts'
import { lengthenSessions } from './lengthen-sessions.ts'

/** The suite's sessions of 300 ms and more are a few of the emulator's answers long: lost to its pauses, they say nothing about members. */
const LEAST_SESSION_MS = 3_000

/** As `connect` opens it, with sessions that are long enough for an emulator. */
export const openWithLongSessions: DriverFactory = async (address, options) =>
  lengthenSessions(await openKinesis(address, options), LEAST_SESSION_MS)
