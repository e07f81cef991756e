import type { Driver, EncodedRecord, From } from '../../../../../src/driver.ts'

export interface Seen {
  readonly partition: string
  readonly position: string
  readonly key: string | null
  readonly value: string | null
}

export function record(key: string | null, value: string | null, partition?: string): EncodedRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition,
  }
}

/** All records of a topic up to now, ended partitions first. */
export async function readAll(
  driver: Driver,
  topic: string,
  options: { from?: From; isolation?: 'committed' | 'uncommitted' } = {},
): Promise<Seen[]> {
  const { partitions } = await driver.admin.describeTopic(topic)
  const seen: Seen[] = []
  for (const { id } of partitions) {
    const reader = await driver.openReader({
      topic,
      partition: id,
      start: { from: options.from ?? 'earliest' },
      until: 'now',
      isolation: options.isolation ?? 'committed',
    })
    for (;;) {
      const batch = await reader.next({ maxBytes: 1 << 20, signal: AbortSignal.timeout(20_000) })
      if (batch === null) break
      for (let i = 0; i < batch.count; i++) {
        const text = (bytes: Uint8Array | null): string | null =>
          bytes === null ? null : Buffer.from(bytes).toString()
        seen.push({
          partition: id,
          position: batch.position(i),
          key: text(batch.key(i)),
          value: text(batch.value(i)),
        })
      }
    }
    await reader.close()
  }
  return seen
}

/** The values of each key, in the order in which they were read. */
export function byKey(seen: readonly Seen[]): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const { key, value } of seen) {
    const list = values.get(key ?? '') ?? []
    list.push(value ?? '')
    values.set(key ?? '', list)
  }
  return values
}
