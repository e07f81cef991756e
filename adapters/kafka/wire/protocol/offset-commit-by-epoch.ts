import type { Api } from '../wire.ts'
import { readByTopicCompact, type TopicPartition, writeByTopicCompact } from './by-topic.ts'
import type { OffsetCommitRequest } from './offset-commit.ts'

/** Version 9 (Kafka 3.6), the first under a member epoch, which takes the generation's place (KIP-848). */
export const offsetCommitByEpoch: Api<
  OffsetCommitRequest,
  readonly (TopicPartition & { readonly errorCode: number })[]
> = {
  name: 'OffsetCommit',
  key: 8,
  version: 9,
  flexible: true,
  encode(to, request) {
    to.compactString(request.group).int32(request.generation).compactString(request.memberId)
    to.compactString(request.groupInstanceId)
    writeByTopicCompact(to, request.partitions, ({ partition, offset, leaderEpoch, metadata }) =>
      to.int32(partition).int64(offset).int32(leaderEpoch).compactString(metadata).tags(),
    )
    to.tags()
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopicCompact(from, () => ({ partition: from.int32(), errorCode: from.int16() }))
  },
}
