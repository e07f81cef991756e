import { produceAll } from '../bare/kafka-fill.ts'
import type { Round, Task, Work } from '../harness/contender.ts'
import { recordsToRead } from '../harness/records.ts'
import { startClock } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { openConsumer } from './open-client.ts'

/**
 * A new group from when it was joined until all messages were seen, looking at each key and value. `by`: `data` (the stream's
 * events) or `for await`; this client has no batches to hand out.
 */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const partitions = Number(settings.partitions)
  const admin = await openAdmin(openClient(task))
  const topic = await createTopic(admin, partitions)
  const records = recordsToRead(valueBytes, batch, partitions)
  await produceAll(String(settings.broker), topic, records, { valueBytes, batch, partitions })
  return {
    round: pass,
    async close() {
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }

  async function pass(): Promise<Round> {
    const consumer = openConsumer(task)
    let stop: ReturnType<typeof startClock> | undefined
    consumer.once('consumer:group:join', () => {
      stop = startClock()
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
    let left = records
    let size = 0
    if (settings.by === 'data') {
      await new Promise<void>((resolve, reject) => {
        stream.once('error', reject)
        stream.on('data', ({ key, value }) => {
          size += key!.length + value!.length
          if (--left === 0) resolve()
        })
      })
    } else {
      for await (const { key, value } of stream) {
        size += key!.length + value!.length
        if (--left === 0) break
      }
    }
    const round = stop!(records)
    await consumer.close(true)
    if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
