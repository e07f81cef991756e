import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { DriverFactory } from '../../../../src/driver.ts'

/** The suite's sessions of 300 ms and more are a few of the emulator's answers long: lost to its pauses, they say nothing about members. */
const MIN_SESSION_MS = 3_000

/** As `connect` opens it, with sessions that are long enough for an emulator, as brokers have a least one of their own. */
export const openWithLongSessions: DriverFactory = async (address, options) => {
  const driver = await openKinesis(address, options)
  const join = driver.joinGroup.bind(driver)
  driver.joinGroup = (joining, events) =>
    join({ ...joining, sessionTimeoutMs: Math.max(MIN_SESSION_MS, joining.sessionTimeoutMs) }, events)
  return driver
}
