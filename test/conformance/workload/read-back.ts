import type { AnyTopic, ReadOptions, RecordOf, StreamRecord, Streams, TopicLike } from '../../../src/index.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { idOf, type Load, type LoadTopic } from './load.ts'

/** Everything from `earliest` (or as `options` say) until the end as it is now. */
export async function readAll<T extends TopicLike>(
  streams: Streams,
  topic: T,
  options: ReadOptions = {},
): Promise<RecordOf<T>[]> {
  const found: RecordOf<T>[] = []
  for await (const batch of streams.read(topic, { until: 'now', ...options })) found.push(...batch)
  return found
}

/** Tells the oracle what stands in a topic of the workload. */
export async function readBack(streams: Streams, topic: LoadTopic, oracle: Oracle): Promise<void> {
  for (const record of (await readAll(streams, topic as AnyTopic)) as StreamRecord<Load, string>[]) {
    if (record.value === null) continue
    oracle.record({
      type: 'stands',
      topic: topic.name,
      partition: record.partition,
      position: record.position,
      ...idOf(record.value),
    })
  }
}

/** The `seq`s in the order they were read. */
export function seqs(records: readonly { readonly value: Load | null }[]): number[] {
  return records.map((record) => record.value?.seq ?? -1)
}
