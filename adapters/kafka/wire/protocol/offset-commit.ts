import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

export interface OffsetCommitRequest {
  readonly group: string
  /** -1 where no member commits: allowed while the group is empty. */
  readonly generation: number
  /** Empty where no member commits. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly partitions: readonly (TopicPartition & {
    /** Of the next record. */
    readonly offset: number
    /** -1 where unknown. */
    readonly leaderEpoch: number
    /** At most 4,096 bytes, unless the broker is set otherwise. */
    readonly metadata: string | null
  })[]
}

export const offsetCommit: Api<
  OffsetCommitRequest,
  readonly (TopicPartition & { readonly errorCode: number })[]
> = {
  name: 'OffsetCommit',
  key: 8,
  version: 7,
  flexible: false,
  encode(to, request) {
    to.string(request.group).int32(request.generation).string(request.memberId)
    to.string(request.groupInstanceId)
    writeByTopic(to, request.partitions, ({ partition, offset, leaderEpoch, metadata }) =>
      to.int32(partition).int64(offset).int32(leaderEpoch).string(metadata),
    )
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopic(from, () => ({ partition: from.int32(), errorCode: from.int16() }))
  },
}
