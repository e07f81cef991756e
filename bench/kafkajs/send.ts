import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, TEXT_KEYS, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from './open-client.ts'

/** Single sends of one message, `batch` of them awaited at a time; kafkajs makes a request of each. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const kafka = openClient(task)
  const admin = await openAdmin(kafka)
  const producer = kafka.producer()
  await producer.connect()
  const topic = await createTopic(admin, Number(task.settings.partitions ?? 1))
  const messages = valuesOf(valueBytes).map((value, i) => ({ key: TEXT_KEYS[i]!, value }))
  const batches = batchesOf(messages, batch)
  return {
    round: (records) =>
      timed(records, async () => {
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          const sent = batches[n % batches.length]!.map((message) =>
            producer.send({ topic, messages: [message], acks: -1 }),
          )
          await Promise.all(sent)
        }
      }),
    async close() {
      await producer.disconnect()
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }
}
