import type { EncodedRecord } from '../../../../src/driver.ts'

export function record(
  key: string | null,
  value: string | Uint8Array,
  more: Partial<EncodedRecord> = {},
): EncodedRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition: undefined,
    ...more,
  }
}
