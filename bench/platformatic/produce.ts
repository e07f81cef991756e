import { setTimeout as pause } from 'node:timers/promises'
import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, keyOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { openProducer } from './open-client.ts'

/**
 * `producer.send` of a batch, so many of them on their way, acks of all replicas. `single`: a batch is so many sends of one message.
 * `steady`: all rounds on one topic whose partitions have been written before.
 */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const inFlight = Number(settings.inFlight ?? 1)
  const admin = await openAdmin(openClient(task))
  const producer = openProducer(task)
  const partitions = Number(settings.partitions)
  const kept = settings.steady ? await createTopic(admin, partitions) : undefined
  if (kept !== undefined) await warmUp(producer, kept, partitions)
  return {
    async round(records) {
      const topic = kept ?? (await createTopic(admin, partitions))
      const messages = valuesOf(valueBytes).map((value) => ({ topic, key: keyOf(value), value }))
      const batches = batchesOf(messages, batch)
      const sendOne = (message: (typeof messages)[number]): Promise<unknown> =>
        producer.send({ messages: [message] })
      const send = (n: number): Promise<unknown> => {
        const all = batches[n % batches.length] as typeof messages
        return settings.single ? Promise.all(all.map(sendOne)) : producer.send({ messages: all })
      }
      await send(0)
      let next = 0
      const sender = async (): Promise<void> => {
        for (let n = next++; n * batch < records; n = next++) await send(n)
      }
      const round = await timed(records, () => Promise.all(Array.from({ length: inFlight }, sender)))
      if (kept === undefined) await admin.deleteTopics({ topics: [topic] })
      return round
    },
    async close() {
      await producer.close()
      if (kept !== undefined) await admin.deleteTopics({ topics: [kept] })
      await admin.disconnect()
    },
  }
}

/** A record into each partition. Of a topic that was just made some have no leader yet, and this client gives up soon. */
async function warmUp(
  producer: ReturnType<typeof openProducer>,
  topic: string,
  partitions: number,
): Promise<void> {
  const value = Buffer.alloc(1)
  const messages = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value }))
  for (let attempt = 1; ; attempt++) {
    try {
      await producer.send({ messages })
      return
    } catch (error) {
      if (attempt === 20) throw error
      await pause(500)
    }
  }
}
