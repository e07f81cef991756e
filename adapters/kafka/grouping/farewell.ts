import type { ConsumerGroupHeartbeatRequest } from '../wire/protocol/consumer-group-heartbeat.ts'

/** By which a member of KIP-848 leaves; the coordinator takes it from anyone who knows the member's id. */
export function farewell(
  group: string,
  memberId: string,
  instanceId: string | null,
  options: { readonly keepPlace?: boolean } = {},
): ConsumerGroupHeartbeatRequest {
  return {
    group,
    memberId,
    memberEpoch: options.keepPlace === true ? -2 : -1,
    instanceId,
    rack: null,
    rebalanceTimeoutMs: -1,
    topics: null,
    owned: null,
  }
}
