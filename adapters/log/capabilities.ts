import type { Capabilities } from '../../src/driver.ts'

export const LOCAL_CAPABILITIES: Capabilities = new Set([
  'transactions',
  'idempotence',
  'lineage',
  'addPartitions',
  'splitMerge',
  'compaction',
  'headers',
])

export const LOG_CAPABILITIES: Capabilities = new Set([...LOCAL_CAPABILITIES, 'durable', 'multiProcess'])
