import type { _Record } from '@aws-sdk/client-kinesis'

/** The object of a record with its sequence number, arrival and view, as the heap of Node 24 shows it. */
const OVERHEAD_BYTES = 420

/** What a record of the service takes in memory. Bytes. */
export function sizeOf({ Data, PartitionKey }: _Record): number {
  return OVERHEAD_BYTES + Data!.length + (PartitionKey?.length ?? 0)
}
