import { StreamError } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { coordinatorOf } from './group-requests.ts'
import { sameInstance } from './static-members.ts'

/** What a refused heartbeat of KIP-848 means; a coordinator that has moved is forgotten. */
export function heartbeatError(
  { wire }: KafkaCluster,
  { group, instanceId }: { readonly group: string; readonly instanceId: string | null },
  code: number,
  detail: string | null,
): StreamError {
  if (isStale(code)) wire.invalidate(coordinatorOf(group))
  switch (code) {
    case KafkaError.UNRELEASED_INSTANCE_ID:
    case KafkaError.FENCED_INSTANCE_ID:
      return sameInstance(group, instanceId ?? '')
    case KafkaError.UNSUPPORTED_VERSION:
      return withoutConsumerProtocol()
    case KafkaError.GROUP_ID_NOT_FOUND:
      return new StreamError(
        'INVALID_ARGUMENT',
        `group '${group}' has members of the classic protocol, and these brokers do not move it while they are there: stop them first, ` +
          'leave groupProtocol out, or allow it (group.consumer.migration.policy)',
      )
    default:
      return errorOf(code, `staying in group '${group}'`, { detail })
  }
}

/** For brokers that know no groups of KIP-848. */
export function withoutConsumerProtocol(): StreamError {
  return new StreamError(
    'UNSUPPORTED',
    'these brokers have no groups with groupProtocol=consumer: use Kafka 4.0 or newer (feature group.version 1), or leave groupProtocol out',
  )
}
