import { describeConsumer } from '../model/consumer.ts'
import type { CallContext } from '../service.ts'
import { type ConsumerInput, findConsumer } from './find-consumer.ts'

export function describeStreamConsumer({ service }: CallContext, input: ConsumerInput): object {
  const { stream, consumer } = findConsumer(service, input)
  return { ConsumerDescription: { ...describeConsumer(consumer), StreamARN: stream.arn } }
}
