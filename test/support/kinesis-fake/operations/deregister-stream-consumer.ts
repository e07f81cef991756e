import type { CallContext } from '../service.ts'
import { type ConsumerInput, findConsumer } from './find-consumer.ts'

export function deregisterStreamConsumer({ service }: CallContext, input: ConsumerInput): object {
  const { stream, consumer } = findConsumer(service, input)
  consumer.status = 'DELETING'
  service.account.settle(() => {
    if (stream.consumers.get(consumer.name) === consumer) stream.consumers.delete(consumer.name)
    for (const subscription of consumer.subscriptions.values()) {
      subscription.interrupt({
        kind: 'event-error',
        code: 'ResourceNotFoundException',
        message: `Consumer ${consumer.arn} not found.`,
      })
    }
  })
  return {}
}
