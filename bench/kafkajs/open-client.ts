import { setTimeout as pause } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import type { Task } from '../harness/contender.ts'

export function openClient({ settings }: Task): Kafka {
  // It warns once a process of the partitioner that version 2 brought.
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
  return new Kafka({ clientId: 'bench', brokers: [String(settings.broker)], logLevel: logLevel.NOTHING })
}

/** Connects, as soon as the broker answers. */
export async function openAdmin(kafka: Kafka): Promise<Admin> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      await admin.listTopics()
      return admin
    } catch (error) {
      await admin.disconnect().catch(() => {})
      if (Date.now() > deadline) throw error
      await pause(250)
    }
  }
}

/** A topic under a name of its own. */
export async function createTopic(admin: Admin, partitions = 1): Promise<string> {
  const topic = `bench-${process.pid}-${process.hrtime.bigint()}`
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  return topic
}
