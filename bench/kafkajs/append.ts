import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, TEXT_KEYS, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from './open-client.ts'

/** Over the network a client waits for its answers: so many requests are on their way at once. */
const IN_FLIGHT = 5

/** `producer.send` of a batch, acks of all replicas (one). */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const inFlight = Number(task.settings.inFlight ?? IN_FLIGHT)
  const kafka = openClient(task)
  const admin = await openAdmin(kafka)
  const producer = kafka.producer()
  await producer.connect()
  const messages = valuesOf(valueBytes).map((value, i) => ({ key: TEXT_KEYS[i]!, value }))
  const batches = batchesOf(messages, batch)
  return {
    async round(records) {
      const topic = await createTopic(admin, Number(task.settings.partitions ?? 1))
      await producer.send({ topic, messages: [messages[0]!], acks: -1 })
      let next = 0
      const sender = async (): Promise<void> => {
        for (let n = next++; n * batch < records; n = next++) {
          await producer.send({ topic, messages: batches[n % batches.length] as typeof messages, acks: -1 })
        }
      }
      const round = await timed(records, () => Promise.all(Array.from({ length: inFlight }, sender)))
      await admin.deleteTopics({ topics: [topic] })
      return round
    },
    async close() {
      await producer.disconnect()
      await admin.disconnect()
    },
  }
}
