import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { expect, inject, test } from 'vitest'
import { eventually } from '../../conformance/eventually.ts'
import { uniqueName } from '../unique-name.ts'
import { sharedLocalstack } from './shared-localstack.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

test.runIf(inject('docker'))('one LocalStack serves streams and tables to all who ask', async () => {
  const [endpoint, again] = await Promise.all([sharedLocalstack(), sharedLocalstack()])
  expect(again).toBe(endpoint)
  const options = { endpoint, region: 'us-east-1', credentials, requestHandler: new NodeHttpHandler() }

  const kinesis = new KinesisClient(options)
  const StreamName = uniqueName('stream')
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  await eventually(async () => {
    const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))
    return StreamDescriptionSummary?.StreamStatus === 'ACTIVE'
  })
  kinesis.destroy()

  const dynamo = new DynamoDBClient(options)
  const { TableDescription } = await dynamo.send(
    new CreateTableCommand({
      TableName: uniqueName('table'),
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
  expect(TableDescription?.TableStatus).toMatch(/ACTIVE|CREATING/)
  dynamo.destroy()
})
