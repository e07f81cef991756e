import type { CallContext } from '../service.ts'
import { inRange } from './required.ts'

export function listStreams(
  { service }: CallContext,
  input: { readonly Limit?: number; readonly ExclusiveStartStreamName?: string; readonly NextToken?: string },
): object {
  const { Limit = 100 } = input
  inRange('Limit', Limit, 1, 10_000)
  const after = input.NextToken ?? input.ExclusiveStartStreamName ?? ''
  const names = [...service.account.streams.keys()].filter((name) => name > after).sort()
  const page = names.slice(0, Limit)
  const more = page.length < names.length
  return {
    StreamNames: page,
    HasMoreStreams: more,
    ...(more && { NextToken: page.at(-1) }),
    StreamSummaries: page.map((name) => {
      const stream = service.account.streams.get(name)!
      return {
        StreamName: name,
        StreamARN: stream.arn,
        StreamStatus: stream.status,
        StreamModeDetails: { StreamMode: stream.mode },
        StreamCreationTimestamp: Math.floor(stream.createdMs / 1_000),
      }
    }),
  }
}
