import { ServiceError } from '../../aws-faults/service-error.ts'
import { streamOfArn } from '../model/account.ts'
import type { Consumer } from '../model/consumer.ts'
import type { Stream } from '../model/stream.ts'
import type { Service } from '../service.ts'

export interface ConsumerInput {
  readonly StreamARN?: string
  readonly ConsumerName?: string
  readonly ConsumerARN?: string
}

/** By its ARN, or by the stream's and its name. */
export function findConsumer(service: Service, input: ConsumerInput): { stream: Stream; consumer: Consumer } {
  const { StreamARN, ConsumerName, ConsumerARN } = input
  const arn = StreamARN ?? ConsumerARN
  if (arn === undefined || (ConsumerARN === undefined && ConsumerName === undefined)) {
    throw new ServiceError(
      'InvalidArgumentException',
      'Either ConsumerARN, or StreamARN and ConsumerName must be given.',
    )
  }
  const stream = service.account.stream({ StreamName: streamOfArn(arn) ?? arn })
  const consumer = stream.consumer(
    ({ name, arn: own }) => (ConsumerARN === undefined ? name === ConsumerName : own === ConsumerARN),
    ConsumerARN ?? ConsumerName!,
  )
  return { stream, consumer }
}
