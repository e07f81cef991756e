import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'

/** All on one page. */
export function listTagsForStream({ service }: CallContext, input: StreamInput): object {
  const { tags } = service.account.stream(input)
  return { Tags: Array.from(tags, ([Key, Value]) => ({ Key, Value })), HasMoreTags: false }
}
