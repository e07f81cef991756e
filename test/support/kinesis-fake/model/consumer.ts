import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Subscription } from './subscription.ts'

/** A registered consumer of fan-out, with its subscriptions by shard. */
export interface Consumer {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  status: 'CREATING' | 'ACTIVE' | 'DELETING'
  readonly subscriptions: Map<string, Subscription>
  /** By shard, of the last SubscribeToShard that succeeded (milliseconds of the steady clock). */
  readonly subscribedAt: Map<string, number>
}

export const describeConsumer = (consumer: Consumer): object => ({
  ConsumerName: consumer.name,
  ConsumerARN: consumer.arn,
  ConsumerStatus: consumer.status,
  ConsumerCreationTimestamp: Math.floor(consumer.createdMs / 1_000),
})

export const consumerGone = (named: string, account: string): ServiceError =>
  new ServiceError('ResourceNotFoundException', `Consumer ${named}, account ${account} not found.`)
