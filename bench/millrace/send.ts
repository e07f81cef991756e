import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { bytesTopic, openStreams, topicName } from './open-streams.ts'

/** Single sends, `batch` of them awaited at a time. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const streams = await openStreams(task)
  const batches = batchesOf(valuesOf(valueBytes), batch)
  return {
    async round(records) {
      const described = bytesTopic(topicName('send'))
      await streams.admin.createTopic({
        name: described.name,
        partitions: Number(task.settings.partitions ?? 1),
      })
      const producer = streams.producer()
      await producer.send(described, batches[0]![0]!)
      const sent = new Array<Promise<unknown>>(batch)
      const round = await timed(records, async () => {
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          const values = batches[n % batches.length]!
          for (let j = 0; j < batch; j++) sent[j] = producer.send(described, values[j]!)
          await Promise.all(sent)
        }
      })
      await producer.close()
      await streams.admin.deleteTopic(described.name)
      return round
    },
    close: () => streams.close(),
  }
}
