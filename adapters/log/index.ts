import type { DriverFactory } from '../../src/driver.ts'
import { openFileLog } from './open-files.ts'

export { type LogAddress, parseAddress } from './address.ts'
export type { TopicSettings } from './broker/topics/topic-settings.ts'
export type { FsyncMode } from './storage/partition-log.ts'

/**
 * Opens `log:DIR`, a durable log in a folder of this machine, creating it when missing. Any number of processes may: one
 * holds the folder and serves the others. Rejects INVALID_ARGUMENT (address, a file or foreign folder), PERMISSION_DENIED, UNAVAILABLE
 * (full disk), UNSUPPORTED (other version) and TIMEOUT (the holder does not answer), within seconds.
 */
export const openLog: DriverFactory = openFileLog
