import { Aggregate } from './aggregate.ts'
import { beginsLikeAggregate } from './aggregate-format.ts'
import { PlainRecord } from './plain-record.ts'
import type { UserRecords } from './user-records.ts'

/**
 * What a record of the service holds. What only looks like an aggregate (a checksum or structure that is wrong) is a record like any
 * other, as KCL has it.
 */
export function userRecordsOf(partitionKey: string | undefined, data: Uint8Array): UserRecords {
  const aggregate = beginsLikeAggregate(data) ? Aggregate.read(data) : undefined
  return aggregate ?? new PlainRecord(partitionKey, data)
}
