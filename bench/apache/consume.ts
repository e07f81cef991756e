import { produceAll } from '../bare/kafka-fill.ts'
import type { Task, Work } from '../harness/contender.ts'
import { recordsToRead } from '../harness/records.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { runTool } from './run-tool.ts'

const FIELDS = 10
const RECORDS = 4
const FETCH_MILLIS = 7

/** ConsumerPerformance: a new group over the same records, what it calls its fetch time: without joining. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const partitions = Number(settings.partitions)
  const admin = await openAdmin(openClient(task))
  const topic = await createTopic(admin, partitions)
  const wanted = recordsToRead(valueBytes, batch, partitions)
  await produceAll(String(settings.broker), topic, wanted, { valueBytes, batch, partitions })
  let peakRssMiB = 0
  return {
    async round() {
      const run = await runTool(String(settings.container), 'kafka-consumer-perf-test.sh', [
        ...['--bootstrap-server', String(settings.broker), '--topic', topic],
        ...['--num-records', String(wanted), '--hide-header'],
      ])
      const line = run.output.split('\n').find((text) => text.split(', ').length === FIELDS)
      if (line === undefined) throw new Error(`ConsumerPerformance says ${run.output.slice(-1_000)}`)
      const fields = line.split(', ').map(Number)
      peakRssMiB = Math.max(peakRssMiB, run.peakRssMiB)
      const records = fields[RECORDS]!
      return { records, millis: fields[FETCH_MILLIS]!, cpuSeconds: run.cpuSeconds }
    },
    peakRssMiB: () => peakRssMiB,
    async close() {
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }
}
