import type { KafkaCluster } from '../parts.ts'
import { KafkaError } from '../wire/error-codes.ts'
import { describeConfigs } from '../wire/protocol/describe-configs.ts'
import { coordinatorOf, REQUEST_MS } from './group-requests.ts'

const SESSION = 'consumer.session.timeout.ms'

/**
 * How long a member of a KIP-848 group may be unheard of: with that protocol the brokers say, not the members. Milliseconds;
 * undefined where this user may not see it, or it cannot be asked now.
 */
export async function groupSessionMs({ wire }: KafkaCluster, group: string): Promise<number | undefined> {
  const request = { type: 'group', names: [group] } as const
  const answers = await wire
    .request(coordinatorOf(group), describeConfigs, request, { timeoutMs: REQUEST_MS })
    .catch(() => undefined)
  const [config] = answers ?? []
  if (config?.errorCode !== KafkaError.NONE) return undefined
  const value = Number(config.entries.find(({ name }) => name === SESSION)?.value)
  return value > 0 ? value : undefined
}
