import type { Api } from '../wire.ts'

/** To the controller. */
export const deleteTopics: Api<
  { readonly names: readonly string[]; readonly timeoutMs: number },
  readonly { readonly name: string; readonly errorCode: number }[]
> = {
  name: 'DeleteTopics',
  key: 20,
  version: 3,
  flexible: false,
  encode(to, { names, timeoutMs }) {
    to.array(names, (name) => to.string(name)).int32(timeoutMs)
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => ({ name: from.string(), errorCode: from.int16() }))
  },
}
