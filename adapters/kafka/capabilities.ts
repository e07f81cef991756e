import type { Capabilities } from '../../src/driver.ts'

export const KAFKA_CAPABILITIES: Capabilities = new Set([
  'transactions',
  'idempotence',
  'addPartitions',
  'compaction',
  'headers',
  'durable',
  'multiProcess',
  'staticMembership',
])

/** With acks=1 a leader that dies takes acknowledged records with it, and a batch that is sent again may be there twice. */
export const LEADER_ONLY_CAPABILITIES: Capabilities = KAFKA_CAPABILITIES.difference(
  new Set(['idempotence', 'durable']),
)
