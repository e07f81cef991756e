import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openKinesis } from '../../../adapters/kinesis/index.ts'
import { quiet } from '../../conformance/connection.ts'
import { startKinesisFake } from '../../support/kinesis-fake/start-kinesis-fake.ts'
import { startStsFake } from '../../support/start-sts-fake.ts'
import { addressOf } from './support/fake-backend.ts'

const role = 'arn:aws:iam::000000000000:role/streams'

describe('role=ARN', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAUSER')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', undefined)
    vi.stubEnv('AWS_PROFILE', undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  })
  afterEach(() => vi.unstubAllEnvs())

  test('is assumed by the caller, and the streams see the role alone', async () => {
    await using sts = await startStsFake()
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.endpoint)
    await using fake = await startKinesisFake({ accessKeyIds: ['ASIAROLE1'] })
    const driver = await openKinesis(addressOf(fake, { role }), { logger: quiet })
    await driver.admin.createTopic({ name: 'orders' })
    expect(await driver.admin.listTopics()).toEqual(['orders'])
    await driver.close()
    expect(sts.asked).toEqual([{ role, session: 'millrace', accessKeyId: 'AKIAUSER' }])
  })

  test('is assumed again before its credentials expire', async () => {
    await using sts = await startStsFake({ lifeMs: [60_000, 3_600_000] })
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.endpoint)
    await using fake = await startKinesisFake({ accessKeyIds: ['ASIAROLE1', 'ASIAROLE2'] })
    const driver = await openKinesis(addressOf(fake, { role }), { logger: quiet })
    await vi.waitFor(async () => {
      await driver.admin.listTopics()
      expect(sts.asked).toHaveLength(2)
    }, 10_000)
    await driver.admin.listTopics()
    await driver.close()
    expect(sts.asked).toHaveLength(2)
  })

  test('that cannot be assumed is said to be so, with its remedy', async () => {
    await using sts = await startStsFake({ refuses: true })
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.endpoint)
    await using fake = await startKinesisFake()
    await expect(openKinesis(addressOf(fake, { role }), { logger: quiet })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringMatching(
        /^the role arn:\S+ cannot be assumed \(.*not authorized.*\): .*trust policy/,
      ),
    })
    expect(fake.calls.count('ListStreams')).toBe(0)
  })

  test('where STS cannot be reached is said to be that, not the streams', async () => {
    const sts = await startStsFake()
    await sts[Symbol.asyncDispose]()
    vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.endpoint)
    await using fake = await startKinesisFake()
    await expect(openKinesis(addressOf(fake, { role }), { logger: quiet })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^the role arn:\S+ cannot be assumed .*AWS_ENDPOINT_URL_STS/),
    })
  })
})
