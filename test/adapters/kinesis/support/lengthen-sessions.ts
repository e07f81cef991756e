import type { Driver } from '../../../../src/driver.ts'

/** Members that the driver joins have sessions of so many milliseconds at least, as brokers have a least one of their own. */
export function lengthenSessions(driver: Driver, leastMs: number): Driver {
  const join = driver.joinGroup.bind(driver)
  driver.joinGroup = (joining, events) =>
    join({ ...joining, sessionTimeoutMs: Math.max(leastMs, joining.sessionTimeoutMs) }, events)
  return driver
}
