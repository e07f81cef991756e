import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Task } from '../harness/contender.ts'
import { streamName } from './stream-name.ts'

export const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'bench' }

/** The SDK as it is fastest here: connections kept, no retries. */
export function openSdk({ settings }: Task): KinesisClient {
  return new KinesisClient({
    region: 'us-east-1',
    endpoint: String(settings.endpoint),
    credentials: CREDENTIALS,
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  })
}

/** The stream of a task's shape and settings. */
export function streamOf({ valueBytes, settings }: Task): string {
  const aggregated = settings.aggregated === true
  return streamName({ shards: Number(settings.shards), valueBytes, aggregated, tag: 'x' })
}

/** How many requests there were since it was asked last. */
export async function requestsSince({ settings }: Task): Promise<number> {
  return Number(await (await fetch(`${settings.endpoint}/requests`)).text())
}
