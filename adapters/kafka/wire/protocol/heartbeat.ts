import type { Api } from '../wire.ts'

export interface HeartbeatRequest {
  readonly group: string
  readonly generation: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export const heartbeat: Api<HeartbeatRequest, { readonly errorCode: number }> = {
  name: 'Heartbeat',
  key: 12,
  version: 3,
  flexible: false,
  encode(to, { group, generation, memberId, groupInstanceId }) {
    to.string(group).int32(generation).string(memberId).string(groupInstanceId)
  },
  decode(from) {
    from.int32() // throttle time
    return { errorCode: from.int16() }
  },
}
