import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { DynamoService } from '../../../../../adapters/kinesis/leasing/dynamodb/dynamo-service.ts'

export const credentials = { accessKeyId: 'AKIAFAKE', secretAccessKey: 'secret' }

export const dynamoAt = (endpoint: string): DynamoService =>
  new DynamoService({ region: 'us-east-1', credentials }, endpoint)

/** A row as it stands in DynamoDB. */
export async function itemOf(
  service: DynamoService,
  table: string,
  key: string,
): Promise<Record<string, AttributeValue> | undefined> {
  const { Item } = await service.call(
    ({ GetItemCommand }) =>
      new GetItemCommand({ TableName: table, Key: { leaseKey: { S: key } }, ConsistentRead: true }),
  )
  return Item
}

/** Puts a row as a KCL application does. */
export async function putItem(
  service: DynamoService,
  table: string,
  item: Record<string, AttributeValue>,
): Promise<void> {
  await service.call(({ PutItemCommand }) => new PutItemCommand({ TableName: table, Item: item }))
}
