import type { Driver } from '../../src/driver.ts'
import { eventually } from '../conformance/eventually.ts'
import type { Faults } from '../conformance/index.ts'

/** Retention and compaction of the embedded log, brought about by waiting for its next round. `open` gives a connection to ask with. */
export async function logFaults(first: Driver, open?: () => Promise<Driver>): Promise<Faults> {
  // Rounds follow the shortest retention there is: this makes one every 100 ms.
  await first.admin.createTopic({ name: 'makes-maintenance-rounds', retentionMs: 400 })
  return {
    expiring: { retentionMs: 600_000 },
    expire: (topic) =>
      asking(async ({ admin }) => {
        const { partitions } = await admin.describeTopic(topic)
        const gone = async () => {
          const { partitions: now } = await admin.describeTopic(topic)
          return now.every(({ earliest }, i) => earliest === partitions[i]!.latest)
        }
        await eventually(gone, { what: `retention has dropped what ${topic} held` })
      }),
    // A segment for each few records: only sealed ones are compacted.
    compacting: { settings: { segmentBytes: '300' } },
    compact: (topic) =>
      asking(async (driver) => {
        const before = await countOf(driver, topic)
        await eventually(async () => (await countOf(driver, topic)) < before, {
          what: `${topic} is compacted`,
        })
      }),
  }

  async function asking(work: (driver: Driver) => Promise<void>): Promise<void> {
    if (open === undefined) return work(first)
    const driver = await open()
    try {
      await work(driver)
    } finally {
      await driver.close()
    }
  }
}

async function countOf(driver: Driver, topic: string): Promise<number> {
  const { partitions } = await driver.admin.describeTopic(topic)
  let records = 0
  for (const { id } of partitions) records += await countIn(driver, topic, id)
  return records
}

async function countIn(driver: Driver, topic: string, partition: string): Promise<number> {
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
