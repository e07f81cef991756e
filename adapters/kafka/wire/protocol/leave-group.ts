import type { Api } from '../wire.ts'

export interface LeaveGroupRequest {
  readonly group: string
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[]
}

export interface LeaveGroupResponse {
  readonly errorCode: number
  readonly members: readonly { readonly memberId: string; readonly errorCode: number }[]
}

export const leaveGroup: Api<LeaveGroupRequest, LeaveGroupResponse> = {
  name: 'LeaveGroup',
  key: 13,
  version: 3,
  flexible: false,
  encode(to, { group, members }) {
    to.string(group).array(members, ({ memberId, groupInstanceId }) =>
      to.string(memberId).string(groupInstanceId),
    )
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const members = from.array(() => {
      const memberId = from.string()
      from.nullableString()
      return { memberId, errorCode: from.int16() }
    })
    return { errorCode, members }
  },
}
