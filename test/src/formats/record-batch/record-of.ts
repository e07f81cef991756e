import fc from 'fast-check'
import type { EncodedRecord } from '../../../../src/record.ts'

/** A record with what a test cares about; the rest is null, empty or undefined. */
export function recordOf(parts: {
  key?: string | Uint8Array | null
  value?: string | Uint8Array | null
  headers?: EncodedRecord['headers']
  timestamp?: number
}): EncodedRecord {
  const bytes = (part: string | Uint8Array | null | undefined): Uint8Array | null =>
    typeof part === 'string' ? Buffer.from(part) : (part ?? null)
  return {
    key: bytes(parts.key),
    value: bytes(parts.value),
    headers: parts.headers ?? [],
    timestamp: parts.timestamp,
    partition: undefined,
  }
}

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })

/** Any record: null, empty and binary parts, headers that repeat, timestamps far apart. */
export const anyRecord: fc.Arbitrary<EncodedRecord> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.record({ name: fc.string({ unit: 'grapheme', maxLength: 10 }), value: bytes }), {
      maxLength: 4,
    }),
  ),
  timestamp: fc.option(fc.oneof(fc.integer({ min: 0, max: 8.64e15 }), fc.integer({ min: 0, max: 100 })), {
    nil: undefined,
  }),
  partition: fc.constant(undefined),
})
