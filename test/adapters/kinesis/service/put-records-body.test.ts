import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { putRecordsBody } from '../../../../adapters/kinesis/service/put-records-body.ts'

test('the body is what the SDK would write', async () => {
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  })
  let body: unknown
  client.middlewareStack.add(
    () => (args) => {
      body = (args.request as { body: unknown }).body
      return Promise.resolve({ response: {}, output: { $metadata: {} } })
    },
    { step: 'build', priority: 'low' },
  )
  const entry = fc.record(
    {
      Data: fc.uint8Array({ maxLength: 9_000 }),
      PartitionKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }),
      ExplicitHashKey: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(String),
    },
    { requiredKeys: ['Data', 'PartitionKey'] },
  )
  const input = fc.record({
    StreamName: fc.constant('a.stream_-1'),
    Records: fc.array(entry, { maxLength: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(input, async (input) => {
      await client.send(new PutRecordsCommand(input))
      const theirs = JSON.parse(Buffer.from(body as Uint8Array).toString())
      expect(JSON.parse(putRecordsBody(input, Buffer.allocUnsafe).toString())).toEqual(theirs)
    }),
    { numRuns: 50 },
  )
  client.destroy()
})
