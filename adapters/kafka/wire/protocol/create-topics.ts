import type { Api } from '../wire.ts'

export interface CreateTopicsRequest {
  readonly topics: readonly {
    readonly name: string
    /** -1: the broker's default. */
    readonly partitions: number
    /** -1: the broker's default. */
    readonly replicationFactor: number
    readonly settings: readonly (readonly [name: string, value: string])[]
  }[]
  readonly timeoutMs: number
}

export interface TopicResult {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** To the controller. */
export const createTopics: Api<CreateTopicsRequest, readonly TopicResult[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 4,
  flexible: false,
  encode(to, { topics, timeoutMs }) {
    to.array(topics, ({ name, partitions, replicationFactor, settings }) => {
      to.string(name)
        .int32(partitions)
        .int16(replicationFactor)
        .array([], () => {})
      to.array(settings, ([name, value]) => to.string(name).string(value))
    })
    to.int32(timeoutMs).boolean(false)
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => {
      const name = from.string()
      const errorCode = from.int16()
      return { name, errorCode, errorMessage: from.nullableString() }
    })
  },
}
