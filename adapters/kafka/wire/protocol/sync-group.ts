import type { Api } from '../wire.ts'

export interface SyncGroupRequest {
  readonly group: string
  readonly generation: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** From the leader; empty from all others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncGroupResponse {
  readonly errorCode: number
  readonly assignment: Buffer
}

/** Waits for the leader: give it a lane of its own. */
export const syncGroup: Api<SyncGroupRequest, SyncGroupResponse> = {
  name: 'SyncGroup',
  key: 14,
  version: 3,
  flexible: false,
  encode(to, request) {
    to.string(request.group).int32(request.generation).string(request.memberId)
    to.string(request.groupInstanceId)
    to.array(request.assignments, ({ memberId, assignment }) => to.string(memberId).bytes(assignment))
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    return { errorCode, assignment: from.bytes() ?? Buffer.alloc(0) }
  },
}
