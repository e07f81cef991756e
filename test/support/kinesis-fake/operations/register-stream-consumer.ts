import { ServiceError } from '../../aws-faults/service-error.ts'
import { type Consumer, describeConsumer } from '../model/consumer.ts'
import type { CallContext } from '../service.ts'
import { required } from './required.ts'

export function registerStreamConsumer(
  { service }: CallContext,
  input: { readonly StreamARN?: string; readonly ConsumerName?: string },
): object {
  required(input, 'StreamARN', 'ConsumerName')
  const stream = service.account.servingStream({ StreamARN: input.StreamARN! })
  const name = input.ConsumerName!
  if (stream.consumers.has(name)) {
    throw new ServiceError('ResourceInUseException', `Consumer ${name} already exists for ${stream.where}.`)
  }
  const limit = service.settings.limits.consumersPerStream
  if (stream.consumers.size >= limit) {
    throw new ServiceError('LimitExceededException', `${stream.where} has ${limit} consumers already.`)
  }
  const createdMs = service.clock.now()
  const consumer: Consumer = {
    name,
    arn: `${stream.arn}/consumer/${name}:${Math.floor(createdMs / 1_000)}`,
    createdMs,
    status: 'CREATING',
    subscriptions: new Map(),
    subscribedAt: new Map(),
  }
  stream.consumers.set(name, consumer)
  const answer = { Consumer: describeConsumer(consumer) }
  service.account.settle(() => {
    if (consumer.status === 'CREATING') consumer.status = 'ACTIVE'
  })
  return answer
}
