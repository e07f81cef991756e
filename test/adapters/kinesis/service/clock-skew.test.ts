import { CreateStreamCommand, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { describe, expect, test } from 'vitest'
import { SdkService } from '../../../../adapters/kinesis/service/sdk-service.ts'
import { startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'

describe("a machine whose clock is off by more than the service's five minutes", () => {
  test('is understood all the same, also when the clock jumps later', async () => {
    await using fake = await startKinesisFake({ settleMs: 0 })
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const connection = { region: 'us-east-1', credentials }
    const service = new SdkService({ connection, endpoint: fake.endpoint, requestTimeoutMs: 5_000 })
    try {
      for (const minutes of [-20, 30, 0]) {
        fake.clock.offsetMs = minutes * 60_000
        await service.call(new CreateStreamCommand({ StreamName: `at-${minutes}`, ShardCount: 1 }))
        expect(Math.abs(service.now() - fake.clock.now())).toBeLessThan(1_500)
      }
      const { StreamNames } = await service.call(new ListStreamsCommand({}))
      expect(StreamNames).toHaveLength(3)
    } finally {
      service.close()
    }
  })
})
