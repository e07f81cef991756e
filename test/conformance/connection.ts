import type { Driver, Logger } from '../../src/driver.ts'
import type { Streams } from '../../src/index.ts'

/** One connection of a case; the first consumer that it makes is `member` to the oracle. */
export interface Connection {
  readonly streams: Streams<'transactions'>
  /** As the core sees it: recording. */
  readonly driver: Driver
  /** As the backend's setup opened it. */
  readonly inner: Driver
  readonly member: string
}

/** Poison and lost partitions are what many cases are about: they would fill the log. */
export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }
