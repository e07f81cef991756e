import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

export interface ProduceRequest {
  readonly transactionalId: string | null
  /** -1: all in-sync replicas. */
  readonly acks: -1 | 1
  /** How long the broker waits for the replicas. */
  readonly timeoutMs: number
  readonly partitions: readonly (TopicPartition & {
    /** One record batch. */
    readonly batch: Buffer
  })[]
}

export interface ProducedPartition extends TopicPartition {
  readonly errorCode: number
  readonly errorMessage: string | null
  /** -1 where the broker does not know: a duplicate of a batch that it has forgotten. */
  readonly baseOffset: number
  /** Milliseconds; -1 where the producer's own times are kept. */
  readonly appendTime: number
  readonly logStart: number
}

export const produce: Api<ProduceRequest, readonly ProducedPartition[]> = {
  name: 'Produce',
  key: 0,
  version: 8,
  flexible: false,
  encode(to, { transactionalId, acks, timeoutMs, partitions }) {
    to.string(transactionalId).int16(acks).int32(timeoutMs)
    writeByTopic(to, partitions, ({ partition, batch }) => to.int32(partition).bytes(batch))
  },
  decode(from) {
    return readByTopic(from, () => {
      const partition = from.int32()
      const errorCode = from.int16()
      const baseOffset = from.int64()
      const appendTime = from.int64()
      const logStart = from.int64()
      const errors = from.array(() => {
        from.int32()
        return from.nullableString()
      })
      const message = from.nullableString()
      const errorMessage = message ?? errors.find((error) => error !== null) ?? null
      return { partition, errorCode, errorMessage, baseOffset, appendTime, logStart }
    })
  },
}
