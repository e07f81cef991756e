import type { Task, Work } from '../harness/contender.ts'
import { timed } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { produceAll } from './kafka-fill.ts'

/** The limit of producing: Produce requests of one batch each, 5 on their way, on one connection; acks of all replicas. */
export async function open(task: Task): Promise<Work> {
  const { settings } = task
  const broker = String(settings.broker)
  const partitions = Number(settings.partitions)
  const admin = await openAdmin(openClient(task))
  return {
    async round(records) {
      const topic = await createTopic(admin, partitions)
      // Partitions without a leader yet are no part of producing.
      await produceAll(broker, topic, task.batch * partitions, { ...task, partitions })
      const round = await timed(records, () => produceAll(broker, topic, records, { ...task, partitions }))
      await admin.deleteTopics({ topics: [topic] })
      return round
    },
    close: () => admin.disconnect(),
  }
}
