import type { Api } from '../wire.ts'

export interface JoinGroupRequest {
  readonly group: string
  readonly sessionTimeoutMs: number
  /** How long the coordinator waits for members to join again. */
  readonly rebalanceTimeoutMs: number
  /** Empty at first. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

export interface JoinGroupResponse {
  /** 79, MEMBER_ID_REQUIRED: join again with `memberId`. */
  readonly errorCode: number
  readonly generation: number
  readonly protocol: string
  readonly leader: string
  readonly memberId: string
  /** For the leader alone. */
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly metadata: Buffer
  }[]
  /** To a static leader that came back: the assignments stand. */
  readonly skipAssignment: boolean
}

const NOTHING = Buffer.alloc(0)

/** Waits until the group is complete: give it a lane of its own. */
export const joinGroup: Api<JoinGroupRequest, JoinGroupResponse> = {
  name: 'JoinGroup',
  key: 11,
  version: 5,
  flexible: false,
  encode(to, request) {
    to.string(request.group).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs)
    to.string(request.memberId).string(request.groupInstanceId).string(request.protocolType)
    to.array(request.protocols, ({ name, metadata }) => to.string(name).bytes(metadata))
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const generation = from.int32()
    const protocol = from.string()
    const leader = from.string()
    const memberId = from.string()
    const members = from.array(() => {
      const memberId = from.string()
      const groupInstanceId = from.nullableString()
      return { memberId, groupInstanceId, metadata: from.bytes() ?? NOTHING }
    })
    return { errorCode, generation, protocol, leader, memberId, members, skipAssignment: false }
  },
}
