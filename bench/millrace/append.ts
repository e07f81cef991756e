import { type Producer, type Topic, topic } from '../../src/index.ts'
import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, TEXT_KEYS, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { type BytesTopic, bytesTopic, openStreams, topicName } from './open-streams.ts'

type Send = (n: number) => Promise<unknown>

/**
 * Appends batch after batch, each awaited; `inFlight` of them at a time, default 1. `by`: `sendBatch` (values with a key function), `sendBatch without keys`, or
 * `sendRecords` (objects with a text key each). `steady`: all rounds on one topic whose partitions have been written before.
 */
export async function open(task: Task): Promise<Work> {
  const { batch, settings } = task
  const streams = await openStreams(task)
  const inFlight = Number(settings.inFlight ?? 1)
  const begin = async () => {
    const name = topicName('append')
    const partitions = Number(settings.partitions ?? 1)
    await streams.admin.createTopic({ name, partitions })
    const producer = streams.producer()
    const send = senderOf(producer, name, task)
    // What the first call has to ask for is no part of appending.
    await send(0)
    if (settings.steady) {
      // Brokers make a partition's files when they get its first record.
      const records = Array.from({ length: partitions }, (_, i) => ({
        value: Buffer.alloc(1),
        partition: String(i),
      }))
      await producer.sendRecords(topic(name), records)
    }
    const end = async () => {
      await producer.close()
      await streams.admin.deleteTopic(name)
    }
    return { send, end }
  }
  const kept = settings.steady ? await begin() : undefined
  return {
    async round(records) {
      const { send, end } = kept ?? (await begin())
      let next = 0
      const sender = async (): Promise<void> => {
        for (let n = next++; n * batch < records; n = next++) await send(n)
      }
      const round = await timed(records, () => Promise.all(Array.from({ length: inFlight }, sender)))
      if (kept === undefined) await end()
      return round
    },
    async close() {
      await kept?.end()
      await streams.close()
    },
  }
}

function senderOf(producer: Producer, name: string, { valueBytes, batch, settings }: Task): Send {
  const values = valuesOf(valueBytes)
  if (settings.by === 'sendRecords') {
    const text: Topic<Uint8Array> = topic(name)
    const records = values.map((value, i) => ({ key: TEXT_KEYS[i]!, value }))
    const batches = batchesOf(records, batch)
    return (n) => producer.sendRecords(text, batches[n % batches.length]!)
  }
  const described: BytesTopic = bytesTopic(name, settings.by !== 'sendBatch without keys')
  const batches = batchesOf(values, batch)
  return (n) => producer.sendBatch(described, batches[n % batches.length]!)
}
