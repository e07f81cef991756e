import { describeConsumer } from '../model/consumer.ts'
import type { CallContext } from '../service.ts'
import { inRange, required } from './required.ts'

export function listStreamConsumers(
  { service }: CallContext,
  input: { readonly StreamARN?: string; readonly NextToken?: string; readonly MaxResults?: number },
): object {
  required(input, 'StreamARN')
  const { MaxResults = 100, NextToken = '' } = input
  inRange('MaxResults', MaxResults, 1, 10_000)
  const stream = service.account.stream({ StreamARN: input.StreamARN! })
  const consumers = [...stream.consumers.values()]
    .filter(({ name }) => name > NextToken)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const page = consumers.slice(0, MaxResults)
  return {
    Consumers: page.map(describeConsumer),
    ...(page.length < consumers.length && { NextToken: page.at(-1)!.name }),
  }
}
