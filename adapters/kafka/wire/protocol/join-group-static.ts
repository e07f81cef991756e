import type { Api } from '../wire.ts'
import type { JoinGroupRequest, JoinGroupResponse } from './join-group.ts'

/**
 * Version 9 (Kafka 3.2), KIP-814: a static member that comes back as the leader is told so, with all members and that there is
 * nothing to assign. Under earlier versions nobody would lead until the next rebalance.
 */
export const joinGroupStatic: Api<JoinGroupRequest, JoinGroupResponse> = {
  name: 'JoinGroup',
  key: 11,
  version: 9,
  flexible: true,
  encode(to, request) {
    to.compactString(request.group).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs)
    to.compactString(request.memberId).compactString(request.groupInstanceId)
    to.compactString(request.protocolType)
    to.compactArray(request.protocols, ({ name, metadata }) =>
      to
        .compactString(name)
        .uvarint(metadata.length + 1)
        .raw(metadata)
        .tags(),
    )
    const reason = null
    to.compactString(reason).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const generation = from.int32()
    from.nullableCompactString() // protocol type
    const protocol = from.compactString()
    const leader = from.compactString()
    const skipAssignment = from.boolean()
    const memberId = from.compactString()
    const members = from.compactArray(() => {
      const memberId = from.compactString()
      const groupInstanceId = from.nullableCompactString()
      const metadata = from.view(from.uvarint() - 1)
      from.tags()
      return { memberId, groupInstanceId, metadata }
    })
    from.tags()
    return { errorCode, generation, protocol, leader, memberId, members, skipAssignment }
  },
}
