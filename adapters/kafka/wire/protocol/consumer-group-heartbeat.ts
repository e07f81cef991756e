import type { Api } from '../wire.ts'
import type { WireReader } from '../wire-reader.ts'
import type { WireWriter } from '../wire-writer.ts'

/** Partitions of one topic, which this protocol knows by its id. */
export interface PartitionsOfId {
  /** 32 hexadecimal digits. */
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface ConsumerGroupHeartbeatRequest {
  readonly group: string
  /** Chosen by the member, new with each incarnation. */
  readonly memberId: string
  /** 0 joins, -1 leaves, -2 leaves for a while (static members alone). */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rack: string | null
  /** -1: as said before. */
  readonly rebalanceTimeoutMs: number
  /** Null: as said before. */
  readonly topics: readonly string[] | null
  /** What the member holds; null: nothing to say. Empty when joining. */
  readonly owned: readonly PartitionsOfId[] | null
}

export interface ConsumerGroupHeartbeatResponse {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** The whole of what the member is to have; null: as before. */
  readonly assignment: readonly PartitionsOfId[] | null
}

/** Version 1 (Kafka 4.0), KIP-848. To the group's coordinator, which answers at once. */
export const consumerGroupHeartbeat: Api<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse> = {
  name: 'ConsumerGroupHeartbeat',
  key: 68,
  version: 1,
  flexible: true,
  encode(to, request) {
    to.compactString(request.group).compactString(request.memberId).int32(request.memberEpoch)
    to.compactString(request.instanceId).compactString(request.rack).int32(request.rebalanceTimeoutMs)
    to.compactArray(request.topics, (topic) => to.compactString(topic))
    const regex = null
    const assignor = null
    to.compactString(regex).compactString(assignor)
    writePartitions(to, request.owned)
    to.tags()
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const errorMessage = from.nullableCompactString()
    from.nullableCompactString() // member id
    const memberEpoch = from.int32()
    const heartbeatIntervalMs = from.int32()
    const assigned = from.int8() >= 0
    const assignment = assigned ? readPartitions(from) : null
    if (assigned) from.tags()
    from.tags()
    return { errorCode, errorMessage, memberEpoch, heartbeatIntervalMs, assignment }
  },
}

function writePartitions(to: WireWriter, items: readonly PartitionsOfId[] | null): void {
  to.compactArray(items, ({ topicId, partitions }) => {
    to.uuid(topicId)
    to.compactArray(partitions, (partition) => to.int32(partition)).tags()
  })
}

function readPartitions(from: WireReader): PartitionsOfId[] {
  return from.compactArray(() => {
    const topicId = from.uuid()
    const partitions = from.compactArray(() => from.int32())
    from.tags()
    return { topicId, partitions }
  })
}
