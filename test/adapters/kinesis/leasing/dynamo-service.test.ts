import { expect, test } from 'vitest'
import { DynamoService } from '../../../../adapters/kinesis/leasing/dynamodb/dynamo-service.ts'

test.each([0.4, 3_333.333, 10_000 / 3])('a call may be given %f ms', async (timeoutMs) => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const connection = {
    region: 'us-east-1',
    endpoint: undefined,
    profile: undefined,
    role: undefined,
    credentials,
  }
  const service = new DynamoService(connection as never, 'http://127.0.0.1:1')
  const call = service.call((sdk) => new sdk.ListTablesCommand({}), { timeoutMs })
  await expect(call).rejects.toMatchObject({ code: expect.stringMatching(/UNAVAILABLE|TIMEOUT/) })
  service.close()
})
