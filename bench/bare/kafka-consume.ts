import type { Round, Task, Work } from '../harness/contender.ts'
import { recordsToRead } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { createTopic, openAdmin, openClient } from '../kafkajs/open-client.ts'
import { produceAll } from './kafka-fill.ts'
import { pump } from './kafka-pump.ts'
import { KafkaRequests, offsetAfter } from './kafka-requests.ts'
import { decode } from './record-batch.ts'

/** The limit of consuming: Fetch requests of one partition each, all partitions on their way, on one connection; decoded, CRCs checked. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch, settings } = task
  const broker = String(settings.broker)
  const partitions = Number(settings.partitions)
  const admin = await openAdmin(openClient(task))
  const topic = await createTopic(admin, partitions)
  const records = recordsToRead(valueBytes, batch)
  await produceAll(broker, topic, records, { valueBytes, batch, partitions })
  return {
    round: pass,
    async close() {
      await admin.deleteTopics({ topics: [topic] })
      await admin.disconnect()
    },
  }

  async function pass(): Promise<Round> {
    const requests = new KafkaRequests(topic)
    const offsets = new Array<bigint>(partitions).fill(0n)
    let size = 0
    let left = records
    let last = 0
    const round = await timed(records, () =>
      pump(
        broker,
        partitions,
        (turn) => {
          const partition = turn < partitions ? turn : last
          return requests.fetch(turn, partition, offsets[partition]!)
        },
        (answer) => {
          const { partition, start, end } = requests.fetched(answer)
          last = partition
          left -= decode(answer, start, end, (key, value) => {
            size += key!.length + value.length
          })
          offsets[partition] = offsetAfter(answer, start, end) ?? offsets[partition]!
          return left <= 0
        },
      ),
    )
    if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
