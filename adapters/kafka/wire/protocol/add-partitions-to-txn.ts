import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

/** Whose transaction it is. */
export interface TransactionRef {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export const addPartitionsToTxn: Api<
  TransactionRef & { readonly partitions: readonly TopicPartition[] },
  readonly (TopicPartition & { readonly errorCode: number })[]
> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 2,
  flexible: false,
  encode(to, { transactionalId, producerId, producerEpoch, partitions }) {
    to.string(transactionalId).int64(producerId).int16(producerEpoch)
    writeByTopic(to, partitions, ({ partition }) => to.int32(partition))
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopic(from, () => ({ partition: from.int32(), errorCode: from.int16() }))
  },
}
