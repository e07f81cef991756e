import type { Api } from '../wire.ts'

/** To the groups' coordinator. */
export const deleteGroups: Api<
  { readonly groups: readonly string[] },
  readonly { readonly group: string; readonly errorCode: number }[]
> = {
  name: 'DeleteGroups',
  key: 42,
  version: 1,
  flexible: false,
  encode(to, { groups }) {
    to.array(groups, (group) => to.string(group))
  },
  decode(from) {
    from.int32() // throttle time
    return from.array(() => ({ group: from.string(), errorCode: from.int16() }))
  },
}
