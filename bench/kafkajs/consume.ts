import type { Admin, Kafka } from 'kafkajs'
import { produceAll } from '../bare/kafka-fill.ts'
import type { Round, Task, Work } from '../harness/contender.ts'
import { recordsToRead } from '../harness/records.ts'
import { startClock } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from './open-client.ts'

/**
 * A new group from when it was joined until its handler has had all messages, looking at each key and value. `by`:
 * `eachBatch` or `eachMessage`.
 */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const partitions = Number(settings.partitions ?? 1)
  const kafka = openClient(task)
  const admin = await openAdmin(kafka)
  const topic = await createTopic(admin, partitions)
  const records = recordsToRead(valueBytes, batch)
  await produceAll(String(settings.broker), topic, records, { valueBytes, batch, partitions })
  return {
    round: () => consume(kafka, topic, records, task),
    close: () => cleanUp(admin, topic),
  }
}

async function consume(
  kafka: Kafka,
  topic: string,
  records: number,
  { valueBytes, settings }: Task,
): Promise<Round> {
  const consumer = kafka.consumer({
    groupId: `bench-${process.hrtime.bigint()}`,
    ...(settings.fetchBytes !== undefined && { maxBytesPerPartition: Number(settings.fetchBytes) }),
  })
  const partitionsConsumedConcurrently = Number(settings.concurrently ?? 1)
  let stop: ReturnType<typeof startClock> | undefined
  let left = records
  let size = 0
  consumer.on(consumer.events.GROUP_JOIN, () => {
    stop ??= startClock()
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const finished = new Promise<Round>((resolve, reject) => {
    const look = (key: Buffer | null, value: Buffer | null): void => {
      size += key!.length + value!.length
      if (--left === 0) resolve(stop!(records))
    }
    consumer
      .run(
        settings.by === 'eachMessage'
          ? {
              partitionsConsumedConcurrently,
              eachMessage: async ({ message }) => look(message.key, message.value),
            }
          : {
              partitionsConsumedConcurrently,
              eachBatch: async ({ batch }) => {
                for (const { key, value } of batch.messages) look(key, value)
              },
            },
      )
      .catch(reject)
  })
  const round = await finished
  await consumer.disconnect()
  if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
  return round
}

async function cleanUp(admin: Admin, topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
}
