import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

export interface LeaderEpochEnd extends TopicPartition {
  readonly errorCode: number
  /** The newest epoch in the leader's log that is not above the one asked for; -1 where there is none. */
  readonly leaderEpoch: number
  /** Where that epoch ends; -1 where the leader does not know. */
  readonly endOffset: number
}

/** Where an epoch ends in the leader's log (KIP-320): what a client read of it beyond that was truncated. To the leaders. */
export const offsetForLeaderEpoch: Api<
  readonly (TopicPartition & { readonly currentLeaderEpoch: number; readonly leaderEpoch: number })[],
  readonly LeaderEpochEnd[]
> = {
  name: 'OffsetForLeaderEpoch',
  key: 23,
  version: 3,
  flexible: false,
  encode(to, partitions) {
    to.int32(-1)
    writeByTopic(to, partitions, ({ partition, currentLeaderEpoch, leaderEpoch }) =>
      to.int32(partition).int32(currentLeaderEpoch).int32(leaderEpoch),
    )
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopic(from, () => {
      const errorCode = from.int16()
      const partition = from.int32()
      const leaderEpoch = from.int32()
      return { errorCode, partition, leaderEpoch, endOffset: from.int64() }
    })
  },
}
