import type { Task, Work } from '../harness/contender.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { runTool } from './run-tool.ts'

/** The first of them are the virtual machine's warm-up and do not count. */
const WARM_UP = 150_000
const MEASURED_BYTES = 96e6
const MOST = 400_000
const STEADY = /^(\d+) steady state records sent, ([\d.]+) records\/sec.* (\d+) ms 50th, .* (\d+) ms 99th/m

/**
 * ProducerPerformance: values without keys, acks of all replicas, idempotent, 5 requests on their way, batches with room for so
 * many records. `rate`: so many records a second and no large batches, until they are acknowledged.
 */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const admin = await openAdmin(openClient(task))
  const rate = Number(settings.rate ?? -1)
  let peakRssMiB = 0
  return {
    async round() {
      const topic = await createTopic(admin, Number(settings.partitions))
      const measured = rate > 0 ? 4 * rate : Math.min(MOST, Math.floor(MEASURED_BYTES / valueBytes))
      const warmUp = rate > 0 ? rate : WARM_UP
      const properties = ['acks=all', 'max.in.flight.requests.per.connection=5', 'buffer.memory=67108864']
      if (rate < 0) properties.push(`batch.size=${batch * (valueBytes + 16)}`)
      const run = await runTool(String(settings.container), 'kafka-producer-perf-test.sh', [
        ...['--bootstrap-server', String(settings.broker), '--topic', topic, '--throughput', String(rate)],
        ...['--num-records', String(measured + warmUp), '--warmup-records', String(warmUp)],
        ...['--record-size', String(valueBytes)],
        ...properties.flatMap((property) => ['--command-property', property]),
      ])
      await admin.deleteTopics({ topics: [topic] })
      const steady = STEADY.exec(run.output)
      if (steady === null) throw new Error(`ProducerPerformance says ${run.output.slice(-1_000)}`)
      const [records, perSecond, p50, p99] = steady.slice(1).map(Number) as [number, number, number, number]
      peakRssMiB = Math.max(peakRssMiB, run.peakRssMiB)
      return {
        records,
        millis: (records / perSecond) * 1_000,
        cpuSeconds: (run.cpuSeconds * records) / (measured + warmUp),
        ...(rate > 0 && { latency: { p50, p99 } }),
      }
    },
    peakRssMiB: () => peakRssMiB,
    close: () => admin.disconnect(),
  }
}
