import type { DriverFactory } from '../../src/driver.ts'
import { openMemoryLog } from '../log/open-memory.ts'

/**
 * Opens `memory:` (a log of its own for each call) or `memory:NAME` (one log for all calls of this process under that
 * name, until the last of them is closed). Options as those of `log:`, apart from `fsync`.
 */
export const openMemory: DriverFactory = openMemoryLog
