import type { Api } from '../wire.ts'

export interface ListGroupsResponse {
  readonly errorCode: number
  readonly groups: readonly { readonly group: string; readonly protocolType: string }[]
}

/** To every broker: each knows those that it coordinates. */
export const listGroups: Api<Record<string, never>, ListGroupsResponse> = {
  name: 'ListGroups',
  key: 16,
  version: 2,
  flexible: false,
  encode() {},
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const groups = from.array(() => {
      const group = from.string()
      return { group, protocolType: from.string() }
    })
    return { errorCode, groups }
  },
}
