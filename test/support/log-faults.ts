import type { Driver } from '../../src/driver.ts'
import { eventually } from '../conformance/eventually.ts'
import type { Faults } from '../conformance/index.ts'

/** Retention and compaction of the embedded log, brought about by waiting for its next round. `driver` stays open. */
export async function logFaults(driver: Driver): Promise<Faults> {
  const { admin } = driver
  // Rounds follow the shortest retention there is: this makes one every 100 ms.
  await admin.createTopic({ name: 'makes-maintenance-rounds', retentionMs: 400 })
  return {
    expiring: { retentionMs: 600_000 },
    async expire(topic) {
      const { partitions } = await admin.describeTopic(topic)
      await eventually(
        async () => {
          const { partitions: now } = await admin.describeTopic(topic)
          return now.every(({ earliest }, i) => earliest === partitions[i]!.latest)
        },
        { what: `retention has dropped what ${topic} held` },
      )
    },
    // A segment for each few records: only sealed ones are compacted.
    compacting: { settings: { segmentBytes: '300' } },
    async compact(topic) {
      const count = async () => {
        const { partitions } = await admin.describeTopic(topic)
        let records = 0
        for (const { id } of partitions) records += await countOf(driver, topic, id)
        return records
      }
      const before = await count()
      await eventually(async () => (await count()) < before, { what: `${topic} is compacted` })
    },
  }
}

async function countOf(driver: Driver, topic: string, partition: string): Promise<number> {
  const reader = await driver.openReader({ topic, partition, start: { from: 'earliest' }, until: 'now' })
  let count = 0
  try {
    for (;;) {
      const batch = await reader.next({ maxBytes: 1 << 20, signal: new AbortController().signal })
      if (batch === null) return count
      count += batch.count
    }
  } finally {
    await reader.close()
  }
}
