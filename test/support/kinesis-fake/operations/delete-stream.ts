import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'

export function deleteStream(
  { service }: CallContext,
  input: StreamInput & { readonly EnforceConsumerDeletion?: boolean },
): object {
  const { account } = service
  const stream = account.stream(input)
  if (stream.consumers.size > 0 && input.EnforceConsumerDeletion !== true) {
    throw new ServiceError(
      'ResourceInUseException',
      `Stream ${stream.name} has consumers. Deregister them, or set EnforceConsumerDeletion.`,
    )
  }
  stream.status = 'DELETING'
  account.settle(() => {
    account.streams.delete(stream.name)
    for (const { subscriptions } of stream.consumers.values()) {
      for (const subscription of subscriptions.values()) {
        subscription.interrupt({
          kind: 'event-error',
          code: 'ResourceNotFoundException',
          message: `${stream.where} not found.`,
        })
      }
    }
  })
  return {}
}
