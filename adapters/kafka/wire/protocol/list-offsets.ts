import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

/** Stand in for a timestamp. */
export const LATEST = -1
export const EARLIEST = -2

export interface ListOffsetsRequest {
  /** `committed`: LATEST is the last stable offset. */
  readonly isolation: 'committed' | 'uncommitted'
  readonly partitions: readonly (TopicPartition & {
    /** Milliseconds, LATEST or EARLIEST. */
    readonly timestamp: number
    /** -1: not checked. */
    readonly leaderEpoch: number
  })[]
}

export interface ListedOffset extends TopicPartition {
  readonly errorCode: number
  /** Of the record found; -1 for LATEST, EARLIEST and where there is none. */
  readonly timestamp: number
  /** -1 where no record is as young as the timestamp. */
  readonly offset: number
  readonly leaderEpoch: number
}

/** To the leaders of the partitions. */
export const listOffsets: Api<ListOffsetsRequest, readonly ListedOffset[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 5,
  flexible: false,
  encode(to, { isolation, partitions }) {
    to.int32(-1).int8(isolation === 'committed' ? 1 : 0)
    writeByTopic(to, partitions, ({ partition, leaderEpoch, timestamp }) =>
      to.int32(partition).int32(leaderEpoch).int64(timestamp),
    )
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopic(from, () => {
      const partition = from.int32()
      const errorCode = from.int16()
      const timestamp = from.int64()
      const offset = from.int64()
      return { partition, errorCode, timestamp, offset, leaderEpoch: from.int32() }
    })
  },
}
