import type { Api } from '../wire.ts'

export interface ResourceConfig {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly name: string
  readonly entries: readonly {
    readonly name: string
    readonly value: string | null
    /** Set for this resource rather than by the broker or by default. */
    readonly own: boolean
  }[]
}

const TYPES = { topic: 2, group: 32 } as const
const TOPIC_SOURCE = 1

export interface DescribeConfigsRequest {
  /** Groups (Kafka 4.0) are asked of their coordinator. */
  readonly type: 'topic' | 'group'
  readonly names: readonly string[]
}

/** The settings of topics or groups. */
export const describeConfigs: Api<DescribeConfigsRequest, readonly ResourceConfig[]> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 3,
  flexible: false,
  encode(to, { type, names }) {
    to.array(names, (name) => to.int8(TYPES[type]).string(name).int32(-1))
    to.boolean(false).boolean(false)
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => {
      const errorCode = from.int16()
      const errorMessage = from.nullableString()
      from.int8()
      const resource = from.string()
      const entries = from.array(() => {
        const name = from.string()
        const value = from.nullableString()
        from.boolean() // read-only
        const own = from.int8() === TOPIC_SOURCE
        from.boolean() // sensitive
        from.array(() => {
          from.string()
          from.nullableString()
          from.int8()
        })
        from.int8() // type
        from.nullableString() // documentation
        return { name, value, own }
      })
      return { errorCode, errorMessage, name: resource, entries }
    })
  },
}
