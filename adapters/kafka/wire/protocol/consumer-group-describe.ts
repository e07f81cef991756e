import type { Api } from '../wire.ts'
import type { WireReader } from '../wire-reader.ts'
import type { TopicPartition } from './by-topic.ts'

export interface DescribedConsumerGroup {
  /** 69, GROUP_ID_NOT_FOUND: there is none, or it is one of the classic protocol. */
  readonly errorCode: number
  readonly group: string
  /** Empty, Assigning, Reconciling, Stable or Dead. */
  readonly state: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly clientId: string
    readonly topics: readonly string[]
    readonly assignment: readonly TopicPartition[]
    /** One that speaks the classic protocol, in a group that is being moved. */
    readonly classic: boolean
  }[]
}

const CLASSIC = 0

/** Version 1 (Kafka 4.0), KIP-848. To the groups' coordinator. */
export const consumerGroupDescribe: Api<
  { readonly groups: readonly string[] },
  readonly DescribedConsumerGroup[]
> = {
  name: 'ConsumerGroupDescribe',
  key: 69,
  version: 1,
  flexible: true,
  encode(to, { groups }) {
    to.compactArray(groups, (group) => to.compactString(group))
    to.boolean(false).tags()
  },
  decode(from) {
    from.int32() // throttle time
    return from.compactArray(() => {
      const errorCode = from.int16()
      from.nullableCompactString()
      const group = from.compactString()
      const state = from.compactString()
      from.int32() // group epoch
      from.int32() // assignment epoch
      from.compactString() // assignor
      const members = from.compactArray(() => {
        const memberId = from.compactString()
        const instanceId = from.nullableCompactString()
        from.nullableCompactString() // rack
        from.int32() // member epoch
        const clientId = from.compactString()
        from.compactString() // host
        const topics = from.compactArray(() => from.compactString())
        from.nullableCompactString() // subscribed by regular expression
        const assignment = readAssignment(from)
        readAssignment(from) // what it is to be
        const classic = from.int8() === CLASSIC
        from.tags()
        return { memberId, instanceId, clientId, topics, assignment, classic }
      })
      from.int32() // authorized operations
      from.tags()
      return { errorCode, group, state, members }
    })
  },
}

function readAssignment(from: WireReader): TopicPartition[] {
  const partitions = from
    .compactArray(() => {
      from.uuid()
      const topic = from.compactString()
      const partitions = from.compactArray(() => from.int32())
      from.tags()
      return partitions.map((partition) => ({ topic, partition }))
    })
    .flat()
  from.tags()
  return partitions
}
