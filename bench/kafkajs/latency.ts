import type { Task, Work } from '../harness/contender.ts'
import { FixedRate } from '../harness/fixed-rate.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { createTopic, openAdmin, openClient } from './open-client.ts'

/** Producer and group in one process, one message a request. */
export async function open(task: Task): Promise<Work> {
  const kafka = openClient(task)
  const admin = await openAdmin(kafka)
  const topic = await createTopic(admin, Number(task.settings.partitions ?? 1))
  const values = valuesOf(task.valueBytes)
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const started = Promise.withResolvers<void>()
  let rate: FixedRate | undefined
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (rate === undefined) started.resolve()
      else rate.arrived(message.value!)
    },
  })
  const send = (value: Buffer): Promise<unknown> =>
    producer.send({ topic, messages: [{ key: keyOf(value), value }], acks: -1 })
  await send(values[0]!)
  await started.promise
  return {
    round: () => {
      rate ??= new FixedRate('timer')
      return rate.round(values, send)
    },
    async close() {
      await consumer.disconnect()
      await producer.disconnect()
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }
}
