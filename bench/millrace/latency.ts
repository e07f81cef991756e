import type { Task, Work } from '../harness/contender.ts'
import { type Clock, FixedRate } from '../harness/fixed-rate.ts'
import { valuesOf } from '../harness/records.ts'
import { bytesTopic, openStreams, topicName } from './open-streams.ts'

/**
 * Producer and group in one process: from the time a record was due to be sent until `each` has it. `to: 'ack'`: the producer alone, until
 * `send` resolves.
 */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const clock: Clock = task.settings.backend === 'kafka' ? 'timer' : 'spin'
  const described = bytesTopic(topicName('latency'))
  await streams.admin.createTopic({
    name: described.name,
    partitions: Number(task.settings.partitions ?? 1),
  })
  const values = valuesOf(task.valueBytes)
  const producer = streams.producer()
  if (task.settings.to === 'ack') {
    await producer.send(described, values[0]!)
    const rate = new FixedRate(clock)
    const send = (value: Buffer) => producer.send(described, value).then(() => rate.arrived(value))
    return { round: () => rate.round(values, send), close: () => streams.close() }
  }
  const consumer = streams.consumer({ group: described.name, topics: [described], from: 'latest' })
  const started = Promise.withResolvers<void>()
  let rate: FixedRate | undefined
  const running = consumer.run({
    each: async ({ value }) => {
      if (rate === undefined) started.resolve()
      else rate.arrived(value!)
    },
  })
  running.catch(started.reject)
  // `latest` is settled when the group has its partition.
  while (consumer.stats.assignments.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await producer.send(described, values[0]!)
  await started.promise
  return {
    round: () => {
      rate ??= new FixedRate(clock)
      return rate.round(values, (value) => producer.send(described, value))
    },
    async close() {
      await streams.close()
      await running
    },
  }
}
