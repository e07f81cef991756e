import type { Header } from '../../../src/driver.ts'

/** One for all records without headers. */
export const NO_HEADERS: readonly Header[] = Object.freeze([])
