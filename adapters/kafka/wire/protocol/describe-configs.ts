import type { Api } from '../wire.ts'

export interface TopicConfig {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly topic: string
  readonly entries: readonly {
    readonly name: string
    readonly value: string | null
    /** Set for this topic rather than by the broker or by default. */
    readonly own: boolean
  }[]
}

const TOPIC = 2
const TOPIC_SOURCE = 1

/** The settings of topics. */
export const describeConfigs: Api<{ readonly topics: readonly string[] }, readonly TopicConfig[]> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 3,
  flexible: false,
  encode(to, { topics }) {
    to.array(topics, (topic) => to.int8(TOPIC).string(topic).int32(-1))
    to.boolean(false).boolean(false)
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => {
      const errorCode = from.int16()
      const errorMessage = from.nullableString()
      from.int8()
      const topic = from.string()
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
      return { errorCode, errorMessage, topic, entries }
    })
  },
}
