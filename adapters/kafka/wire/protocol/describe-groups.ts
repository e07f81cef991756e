import type { Api } from '../wire.ts'

export interface DescribedGroup {
  readonly errorCode: number
  readonly group: string
  /** Empty, PreparingRebalance, CompletingRebalance, Stable or Dead (also where there is no such group). */
  readonly state: string
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Buffer
    readonly assignment: Buffer
  }[]
}

const NOTHING = Buffer.alloc(0)

/** To the groups' coordinator. */
export const describeGroups: Api<{ readonly groups: readonly string[] }, readonly DescribedGroup[]> = {
  name: 'DescribeGroups',
  key: 15,
  version: 4,
  flexible: false,
  encode(to, { groups }) {
    to.array(groups, (group) => to.string(group)).boolean(false)
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => {
      const errorCode = from.int16()
      const group = from.string()
      const state = from.string()
      const protocolType = from.string()
      const protocol = from.string()
      const members = from.array(() => {
        const memberId = from.string()
        const groupInstanceId = from.nullableString()
        const clientId = from.string()
        const clientHost = from.string()
        const metadata = from.bytes() ?? NOTHING
        const assignment = from.bytes() ?? NOTHING
        return { memberId, groupInstanceId, clientId, clientHost, metadata, assignment }
      })
      from.int32() // authorized operations
      return { errorCode, group, state, protocolType, protocol, members }
    })
  },
}
