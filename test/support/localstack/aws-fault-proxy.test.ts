import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { eventually } from '../../conformance/eventually.ts'
import { AwsFaultProxy } from '../aws-faults/aws-fault-proxy.ts'
import { uniqueName } from '../unique-name.ts'
import { sharedLocalstack } from './shared-localstack.ts'

describe.runIf(inject('docker'))('the fault proxy before DynamoDB', () => {
  const TableName = uniqueName('table')
  let proxy: AwsFaultProxy
  let client: DynamoDBClient

  beforeAll(async () => {
    proxy = await AwsFaultProxy.listen(await sharedLocalstack())
    client = new DynamoDBClient({
      endpoint: proxy.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    })
    await client.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  })

  afterEach(() => proxy.clear())

  afterAll(async () => {
    client?.destroy()
    await proxy?.close()
  })

  const put = (leaseKey: string) =>
    client.send(new PutItemCommand({ TableName, Item: { leaseKey: { S: leaseKey } } }))
  const isThere = async (leaseKey: string) =>
    (await client.send(new GetItemCommand({ TableName, Key: { leaseKey: { S: leaseKey } } }))).Item !==
    undefined

  test('passes what no fault meets, and counts it', async () => {
    const before = proxy.calls.count('PutItem', { stream: TableName })
    await put('plain')
    expect(await isThere('plain')).toBe(true)
    expect(proxy.calls.count('PutItem', { stream: TableName })).toBe(before + 1)
  })

  test('throttles by operation and table, as often as told', async () => {
    const elsewhere = proxy.add({ on: 'PutItem', table: 'other', effect: { kind: 'cut', when: 'before' } })
    const fault = proxy.add({
      on: 'PutItem',
      table: TableName,
      times: 2,
      effect: { kind: 'error', code: 'ProvisionedThroughputExceededException' },
    })
    await expect(put('throttled')).rejects.toThrow(ProvisionedThroughputExceededException)
    expect(await isThere('throttled')).toBe(false)
    await expect(put('throttled')).rejects.toThrow(ProvisionedThroughputExceededException)
    await put('throttled')
    expect(await isThere('throttled')).toBe(true)
    expect([fault.hits, elsewhere.hits]).toEqual([2, 0])
  })

  test('an error after the write leaves the write', async () => {
    proxy.add({ on: 'PutItem', effect: { kind: 'error', code: 'InternalServerError', when: 'after' } })
    await expect(put('ambiguous')).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } })
    expect(await isThere('ambiguous')).toBe(true)
  })

  test.each(['before', 'after', 'within'] as const)('cuts the connection %s the write', async (when) => {
    proxy.add({ on: 'PutItem', effect: { kind: 'cut', when } })
    await expect(put(`cut ${when}`)).rejects.toThrow()
    expect(await isThere(`cut ${when}`)).toBe(when !== 'before')
  })

  test('delays', async () => {
    proxy.add({ on: 'GetItem', effect: { kind: 'delay', ms: 120 } })
    const from = performance.now()
    await isThere('plain')
    expect(performance.now() - from).toBeGreaterThanOrEqual(115)
  })

  test('refuses connections until it is restored', async () => {
    await proxy.refuse()
    // The first may still meet the broken connection.
    await eventually(() =>
      put('refused').then(
        () => false,
        ({ code }) => code === 'ECONNREFUSED',
      ),
    )
    await proxy.restore()
    await put('restored')
    expect(await isThere('refused')).toBe(false)
    expect(await isThere('restored')).toBe(true)
  })
})
