import type { Api } from '../wire.ts'

export interface FindCoordinatorRequest {
  /** A group or a transactional id. */
  readonly key: string
  readonly of: 'group' | 'transaction'
}

export interface FindCoordinatorResponse {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly node: number
}

export const findCoordinator: Api<FindCoordinatorRequest, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  flexible: false,
  encode(to, { key, of }) {
    to.string(key).int8(of === 'group' ? 0 : 1)
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const errorMessage = from.nullableString()
    return { errorCode, errorMessage, node: from.int32() }
  },
}
