import type { Api } from '../wire.ts'
import type { TransactionRef } from './add-partitions-to-txn.ts'
import { readByTopicCompact, type TopicPartition, writeByTopicCompact } from './by-topic.ts'

export interface TxnOffsetCommitRequest extends TransactionRef {
  readonly group: string
  /** Fences former members (KIP-447). */
  readonly generation: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly offsets: readonly (TopicPartition & {
    readonly offset: number
    readonly leaderEpoch: number
    readonly metadata: string | null
  })[]
}

/** Version 3 (Kafka 2.5), the first that is fenced by the generation. To the group's coordinator. */
export const txnOffsetCommit: Api<
  TxnOffsetCommitRequest,
  readonly (TopicPartition & { readonly errorCode: number })[]
> = {
  name: 'TxnOffsetCommit',
  key: 28,
  version: 3,
  flexible: true,
  encode(to, request) {
    to.compactString(request.transactionalId).compactString(request.group)
    to.int64(request.producerId).int16(request.producerEpoch).int32(request.generation)
    to.compactString(request.memberId).compactString(request.groupInstanceId)
    writeByTopicCompact(to, request.offsets, ({ partition, offset, leaderEpoch, metadata }) =>
      to.int32(partition).int64(offset).int32(leaderEpoch).compactString(metadata).tags(),
    )
    to.tags()
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopicCompact(from, () => ({ partition: from.int32(), errorCode: from.int16() }))
  },
}
