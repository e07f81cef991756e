import {
  type ConsumerStatus,
  DescribeStreamConsumerCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { retrying } from '../service/retrying.ts'
import { isError } from './is-error.ts'
import { pause } from './pause.ts'

const DEADLINE_MS = 60_000
const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 2_000

const OF_DRIVER = new WeakMap<Kinesis, Map<string, Promise<string>>>()

/**
 * The ARN of the consumer of that name, registered where it was not, and ACTIVE. One request for all who ask at the same time. Rejects
 * THROTTLED where the stream has as many as it may, PERMISSION_DENIED, NOT_FOUND, TIMEOUT after 60 s.
 */
export function streamConsumer(kinesis: Kinesis, stream: string, name: string): Promise<string> {
  let known = OF_DRIVER.get(kinesis)
  if (known === undefined) OF_DRIVER.set(kinesis, (known = new Map()))
  const key = `${stream} ${name}`
  let found = known.get(key)
  if (found === undefined) {
    found = activeConsumer(kinesis, stream, name)
    found.catch(() => known.delete(key))
    known.set(key, found)
  }
  return found
}

/** Looks again next time: it was not there, or not active. */
export function forgetConsumer(kinesis: Kinesis, stream: string, name: string): void {
  OF_DRIVER.get(kinesis)?.delete(`${stream} ${name}`)
}

async function activeConsumer(kinesis: Kinesis, stream: string, name: string): Promise<string> {
  const { arn } = await kinesis.streams.info(stream)
  const input = { StreamARN: arn, ConsumerName: name }
  const deadline = performance.now() + DEADLINE_MS
  let pauseMs = MIN_PAUSE_MS
  for (;;) {
    const { status, consumerArn } = await retrying(() => find(kinesis, input), { deadline })
    if (status === 'ACTIVE') return consumerArn
    if (performance.now() > deadline) {
      throw new StreamError(
        'TIMEOUT',
        `consumer '${name}' of stream '${stream}' is ${status} for a minute: look at it, or try again`,
        { topic: stream },
      )
    }
    await pause(pauseMs)
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 1.5)
  }
}

async function find(
  { service }: Kinesis,
  input: { readonly StreamARN: string; readonly ConsumerName: string },
): Promise<{ status: ConsumerStatus; consumerArn: string }> {
  try {
    const { ConsumerDescription } = await service.call(new DescribeStreamConsumerCommand(input))
    const { ConsumerStatus, ConsumerARN } = ConsumerDescription!
    return { status: ConsumerStatus!, consumerArn: ConsumerARN! }
  } catch (error) {
    if (!isError(error, 'ResourceNotFoundException')) throw error
  }
  try {
    const { Consumer } = await service.call(new RegisterStreamConsumerCommand(input))
    return { status: Consumer!.ConsumerStatus!, consumerArn: Consumer!.ConsumerARN! }
  } catch (error) {
    if (isError(error, 'LimitExceededException')) {
      throw new StreamError(
        'THROTTLED',
        `consumer '${input.ConsumerName}' cannot be registered, the stream has as many as it may: deregister one, use the name of one that is there, or read without fanout`,
        { retryable: false, cause: error },
      )
    }
    throw error
  }
}
