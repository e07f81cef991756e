import type { Api } from '../wire.ts'
import { readByTopic, type TopicPartition, writeByTopic } from './by-topic.ts'

export interface FetchRequest {
  /** How long the broker waits for `minBytes`. */
  readonly maxWaitMs: number
  readonly minBytes: number
  /** Of the whole answer; the first batch comes even if it is larger. */
  readonly maxBytes: number
  readonly isolation: 'committed' | 'uncommitted'
  readonly rack: string
  /** Epoch -1: without one; id 0 and epoch 0: a new one, in full. Default: without. */
  readonly session?: { readonly id: number; readonly epoch: number }
  /** What the session is to ask no more. */
  readonly forgotten?: readonly TopicPartition[]
  readonly partitions: readonly (TopicPartition & {
    /** -1: not checked. */
    readonly leaderEpoch: number
    readonly offset: number
    readonly maxBytes: number
  })[]
}

export interface FetchedPartition extends TopicPartition {
  readonly errorCode: number
  readonly highWatermark: number
  /** -1 where the broker does not say. */
  readonly lastStable: number
  readonly logStart: number
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
  /** Node to read from instead; -1: this one. */
  readonly preferredReplica: number
  /** Record batches, the last one perhaps cut off: a view of the answer. */
  readonly records: Buffer
}

export interface FetchResponse {
  readonly errorCode: number
  /** 0: there is none. */
  readonly session: number
  readonly partitions: readonly FetchedPartition[]
}

const NOTHING = Buffer.alloc(0)

/** Version 11: follower fetch and fetch sessions. */
export const fetch: Api<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  version: 11,
  flexible: false,
  encode(to, request) {
    to.int32(-1).int32(request.maxWaitMs).int32(request.minBytes).int32(request.maxBytes)
    to.int8(request.isolation === 'committed' ? 1 : 0)
    const { id, epoch } = request.session ?? { id: 0, epoch: -1 }
    to.int32(id).int32(epoch)
    writeByTopic(to, request.partitions, ({ partition, leaderEpoch, offset, maxBytes }) =>
      to.int32(partition).int32(leaderEpoch).int64(offset).int64(-1).int32(maxBytes),
    )
    writeByTopic(to, request.forgotten ?? [], ({ partition }) => to.int32(partition))
    to.string(request.rack)
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const session = from.int32()
    const partitions = readByTopic(from, () => {
      const partition = from.int32()
      const errorCode = from.int16()
      const highWatermark = from.int64()
      const lastStable = from.int64()
      const logStart = from.int64()
      const aborted = from.array(() => {
        const producerId = from.int64()
        return { producerId, firstOffset: from.int64() }
      })
      const preferredReplica = from.int32()
      const records = from.bytes() ?? NOTHING
      return {
        partition,
        errorCode,
        highWatermark,
        lastStable,
        logStart,
        aborted,
        preferredReplica,
        records,
      }
    })
    return { errorCode, session, partitions }
  },
}
