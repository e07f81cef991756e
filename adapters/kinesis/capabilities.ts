import type { Capabilities } from '../../src/driver.ts'

/** No `headers`: a record with headers is stored as an aggregate, so they change how its value is stored. */
export const KINESIS_CAPABILITIES: Capabilities = new Set([
  'lineage',
  'addPartitions',
  'splitMerge',
  'durable',
  'multiProcess',
])
