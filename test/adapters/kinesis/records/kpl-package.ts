import { createRequire } from 'node:module'

interface RecordAggregator {
  addUserRecord(record: { readonly partitionKey: string; readonly data: Uint8Array }): void
  build(): { readonly data: Uint8Array }
}

interface UserRecord {
  readonly partitionKey: string
  readonly subSequenceNumber: number
  /** Base64. */
  readonly data: string
}

/** aws-kinesis-agg as it is: its own declarations lack the half of it that aggregates. */
export const kplPackage = createRequire(import.meta.url)('aws-kinesis-agg') as {
  readonly RecordAggregator: new () => RecordAggregator
  deaggregateSync(
    record: { readonly data: Uint8Array; readonly partitionKey: string; readonly sequenceNumber: string },
    computeChecksums: boolean,
    done: (error: Error | null | undefined, records?: readonly UserRecord[]) => void,
  ): void
}
