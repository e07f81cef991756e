import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

export interface DeleteRecordsRequest {
  readonly timeoutMs: number
  readonly partitions: readonly (TopicPartition & {
    /** The first that stays; -1: the high watermark. */
    readonly before: number
  })[]
}

/** To the partitions' leader. */
export const deleteRecords: Api<
  DeleteRecordsRequest,
  readonly (TopicPartition & { readonly logStart: number; readonly errorCode: number })[]
> = {
  name: 'DeleteRecords',
  key: 21,
  version: 1,
  flexible: false,
  encode(to, { partitions, timeoutMs }) {
    writeByTopic(to, partitions, ({ partition, before }) => to.int32(partition).int64(before))
    to.int32(timeoutMs)
  },
  decode(from) {
    from.int32() // throttle time
    return readByTopic(from, () => {
      const partition = from.int32()
      const logStart = from.int64()
      return { partition, logStart, errorCode: from.int16() }
    })
  },
}
