import { KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'

export const handlers = {
  'HTTP/1.1': () => new NodeHttpHandler(),
  'HTTP/2': () => new NodeHttp2Handler(),
} as const

/** One attempt a call: what the fake does is seen as it is. */
export const clientOf = (
  endpoint: string,
  handler: keyof typeof handlers = 'HTTP/1.1',
  accessKeyId = 'test',
): KinesisClient =>
  new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'test' },
    requestHandler: handlers[handler](),
    maxAttempts: 1,
  })
