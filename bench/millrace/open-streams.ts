import { bytes, connect, type Streams, type Topic, topic } from '../../src/index.ts'
import { produceAll } from '../bare/kafka-fill.ts'
import type { Task } from '../harness/contender.ts'
import { batchesOf, keyOf, recordsToRead, valuesOf } from '../harness/records.ts'

/** Values and keys as bytes; the key is found by the value. */
export type BytesTopic = Topic<Uint8Array, Uint8Array, Uint8Array>

/** Connects to the `backend` of the settings: a log in the task's folder, memory, or Kafka at `broker` by `driver`. */
export function openStreams({ folder, settings }: Task): Promise<Streams> {
  const fsync = settings.fsync === undefined ? '' : `?fsync=${settings.fsync}`
  if (settings.backend === 'kafka') {
    return connect(`kafka://${settings.broker}?driver=${settings.driver ?? 'kafkajs'}`)
  }
  return connect(settings.backend === 'memory' ? 'memory:' : `log:${folder}/log${fsync}`)
}

/** A broker outlives the process: names are used once. */
export function topicName(of: string): string {
  return `bench-${of}-${process.pid}-${Date.now()}`
}

export function bytesTopic(name: string, keyed = true): BytesTopic {
  return topic(name, { value: bytes(), keySerde: bytes(), ...(keyed && { key: keyOf }) })
}

/** A topic with the records that the reading cases look at. Returns how many. */
export async function fill(streams: Streams, described: BytesTopic, task: Task): Promise<number> {
  const { valueBytes, batch, settings } = task
  const partitions = Number(settings.partitions ?? 1)
  await streams.admin.createTopic({ name: described.name, partitions })
  const records = recordsToRead(valueBytes, batch, partitions)
  if (settings.backend === 'kafka') {
    await produceAll(String(settings.broker), described.name, records, { valueBytes, batch, partitions })
    return records
  }
  const batches = batchesOf(valuesOf(valueBytes), batch)
  await using producer = streams.producer()
  for (let i = 0, n = 0; i < records; i += batch, n++) {
    await producer.sendBatch(described, batches[n % batches.length]!)
  }
  return records
}
