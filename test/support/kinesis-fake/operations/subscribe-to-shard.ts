import { ServiceError } from '../../aws-faults/service-error.ts'
import { streamOfArn } from '../model/account.ts'
import type { Consumer } from '../model/consumer.ts'
import type { Shard } from '../model/shard.ts'
import { isInterruption, Subscription } from '../model/subscription.ts'
import type { CallContext, Service } from '../service.ts'
import type { EventSink } from '../wire/event-sink.ts'
import { dryRun } from './dry-run.ts'
import { required } from './required.ts'
import { startPlace } from './start-place.ts'

/** What is answered by events. */
export class EventAnswer {
  readonly start: (sink: EventSink) => void

  constructor(start: (sink: EventSink) => void) {
    this.start = start
  }
}

export function subscribeToShard(
  { service, faults }: CallContext,
  input: {
    readonly ConsumerARN?: string
    readonly ShardId?: string
    readonly StartingPosition?: {
      readonly Type: string
      readonly SequenceNumber?: string
      readonly Timestamp?: number
    }
    readonly DryRun?: boolean
  },
): EventAnswer {
  required(input, 'ConsumerARN', 'ShardId', 'StartingPosition')
  const { settings } = service
  const arn = input.ConsumerARN!
  const stream = service.account.servingStream({ StreamName: streamOfArn(arn) ?? arn })
  const consumer = stream.consumer((candidate) => candidate.arn === arn, arn)
  if (consumer.status !== 'ACTIVE') {
    throw new ServiceError('ResourceInUseException', `Consumer ${arn} is ${consumer.status}, not ACTIVE.`)
  }
  const nowMs = service.clock.now()
  stream.expire(nowMs)
  const shard = stream.shard(input.ShardId!)
  const { Type, SequenceNumber, Timestamp } = input.StartingPosition!
  const start = { type: Type, number: SequenceNumber, timestamp: Timestamp }
  const place = startPlace(stream, shard, start, nowMs)
  mustNotBeTooSoon(service, consumer, shard)
  dryRun(input)
  consumer.subscribedAt.set(shard.id, service.clock.steady())
  return new EventAnswer((sink) => {
    consumer.subscriptions.get(shard.id)?.preempt()
    const subscription: Subscription = new Subscription(
      {
        consumer: arn,
        shard,
        place,
        lifeMs: settings.subscriptionLifeMs,
        idleMs: settings.idleEventMs,
        bytesPerSecond: settings.limits.subscriptionBytes,
        now: () => service.clock.now(),
        steady: service.clock.steady,
      },
      sink,
      () => {
        if (consumer.subscriptions.get(shard.id) === subscription) consumer.subscriptions.delete(shard.id)
      },
    )
    consumer.subscriptions.set(shard.id, subscription)
    for (const { effect } of faults) {
      if (isInterruption(effect)) subscription.interruptAfter(effect.afterEvents ?? 0, effect)
    }
  })
}

/** The 5-second rule, which counts from the last success, whatever became of it. */
function mustNotBeTooSoon({ clock, settings }: Service, consumer: Consumer, shard: Shard): void {
  const before = consumer.subscribedAt.get(shard.id)
  if (before === undefined || clock.steady() - before >= settings.limits.resubscribeMs) return
  throw new ServiceError(
    'ResourceInUseException',
    `Another active subscription exists for this consumer: ${consumer.arn} on ${shard.id}.`,
  )
}
