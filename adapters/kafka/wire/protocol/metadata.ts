import type { Api, BrokerInfo } from '../wire.ts'

export interface MetadataRequest {
  /** Null: all topics. */
  readonly topics: readonly string[] | null
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerInfo[]
  readonly clusterId: string | null
  readonly controller: number
  readonly topics: readonly {
    readonly errorCode: number
    readonly name: string
    readonly id: string
    readonly internal: boolean
    readonly partitions: readonly {
      readonly errorCode: number
      readonly id: number
      readonly leader: number
      readonly leaderEpoch: number
      readonly replicas: readonly number[]
      readonly inSync: readonly number[]
    }[]
  }[]
}

const NO_ID = '0'.repeat(32)

/** Version 10 (Kafka 2.8): leader epochs and topic ids. Topics are never created by asking for them. */
export const metadata: Api<MetadataRequest, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  version: 10,
  flexible: true,
  encode(to, { topics }) {
    to.compactArray(topics, (name) => to.uuid(NO_ID).compactString(name).tags())
    to.boolean(false).boolean(false).boolean(false).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const brokers = from.compactArray(() => {
      const node = from.int32()
      const host = from.compactString()
      const port = from.int32()
      const rack = from.nullableCompactString()
      from.tags()
      return { node, host, port, rack }
    })
    const clusterId = from.nullableCompactString()
    const controller = from.int32()
    const topics = from.compactArray(() => {
      const errorCode = from.int16()
      const name = from.compactString()
      const id = from.uuid()
      const internal = from.boolean()
      const partitions = from.compactArray(() => {
        const errorCode = from.int16()
        const id = from.int32()
        const leader = from.int32()
        const leaderEpoch = from.int32()
        const replicas = from.compactArray(() => from.int32())
        const inSync = from.compactArray(() => from.int32())
        from.compactArray(() => from.int32()) // offline replicas
        from.tags()
        return { errorCode, id, leader, leaderEpoch, replicas, inSync }
      })
      from.int32() // authorized operations
      from.tags()
      return { errorCode, name, id, internal, partitions }
    })
    return { brokers, clusterId, controller, topics }
  },
}
