import type { Api } from '../wire.ts'
import { readByTopicCompact, type TopicPartition, writeByTopicCompact } from './by-topic.ts'

export interface OffsetFetchRequest {
  readonly group: string
  /** Null: all that the group has. */
  readonly partitions: readonly TopicPartition[] | null
  /** UNSTABLE_OFFSET_COMMIT (88) rather than offsets that an open transaction is about to replace (KIP-447). */
  readonly requireStable: boolean
}

export interface FetchedOffset extends TopicPartition {
  /** Of the next record; -1 where the group has none. */
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
  readonly errorCode: number
}

export interface OffsetFetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedOffset[]
}

/** Version 7 (Kafka 2.5), the first with `requireStable`. */
export const offsetFetch: Api<OffsetFetchRequest, OffsetFetchResponse> = {
  name: 'OffsetFetch',
  key: 9,
  version: 7,
  flexible: true,
  encode(to, { group, partitions, requireStable }) {
    to.compactString(group)
    writeByTopicCompact(to, partitions, ({ partition }) => to.int32(partition))
    to.boolean(requireStable).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const partitions = readByTopicCompact(from, () => {
      const partition = from.int32()
      const offset = from.int64()
      const leaderEpoch = from.int32()
      const metadata = from.nullableCompactString()
      return { partition, offset, leaderEpoch, metadata, errorCode: from.int16() }
    })
    const errorCode = from.int16()
    from.tags()
    return { errorCode, partitions }
  },
}
