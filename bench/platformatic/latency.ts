import type { Task, Work } from '../harness/contender.ts'
import { FixedRate } from '../harness/fixed-rate.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { openConsumer, openProducer } from './open-client.ts'

/** Producer and group in one process, one message a request. */
export async function open(task: Task): Promise<Work> {
  const admin = await openAdmin(openClient(task))
  const topic = await createTopic(admin, Number(task.settings.partitions ?? 1))
  const values = valuesOf(task.valueBytes)
  const producer = openProducer(task)
  const consumer = openConsumer(task, { maxWaitTime: 100 })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  const started = Promise.withResolvers<void>()
  let rate: FixedRate | undefined
  stream.on('data', ({ value }) => {
    if (rate === undefined) started.resolve()
    else rate.arrived(value!)
  })
  const send = (value: Buffer): Promise<unknown> =>
    producer.send({ messages: [{ topic, key: keyOf(value), value }] })
  await send(values[0]!)
  await started.promise
  return {
    round: () => {
      rate ??= new FixedRate('timer')
      return rate.round(values, send)
    },
    async close() {
      await consumer.close(true)
      await producer.close()
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }
}
