import type { Api } from '../wire.ts'
import type { TopicResult } from './create-topics.ts'

export interface CreatePartitionsRequest {
  readonly topics: readonly { readonly name: string; readonly total: number }[]
  readonly timeoutMs: number
}

/** To the controller. */
export const createPartitions: Api<CreatePartitionsRequest, readonly TopicResult[]> = {
  name: 'CreatePartitions',
  key: 37,
  version: 1,
  flexible: false,
  encode(to, { topics, timeoutMs }) {
    to.array(topics, ({ name, total }) => to.string(name).int32(total).int32(-1))
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
