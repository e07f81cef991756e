import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openKinesis } from '../../../adapters/kinesis/index.ts'
import { quiet } from '../../conformance/connection.ts'
import { startKinesisFake } from '../../support/kinesis-fake/start-kinesis-fake.ts'
import { addressOf, credentials } from './support/fake-backend.ts'

afterEach(() => vi.unstubAllEnvs())

/** No credentials and no region to be found anywhere. */
function bareEnvironment(): void {
  for (const name of [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_PROFILE',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
  ]) {
    vi.stubEnv(name, undefined)
  }
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
}

const logger = quiet

describe('opening an address', () => {
  test('without credentials says where they come from', async () => {
    bareEnvironment()
    await using fake = await startKinesisFake()
    await expect(openKinesis(addressOf(fake), { logger })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringMatching(/AWS_ACCESS_KEY_ID.*profile=/),
    })
  })

  test('with credentials that are none is refused before anything is asked', async () => {
    await using fake = await startKinesisFake()
    const wrong = openKinesis(addressOf(fake), { logger, credentials: { user: 'me' } })
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(fake.calls.count('ListStreams')).toBe(0)
  })

  test('with keys that are unknown or have expired', async () => {
    await using fake = await startKinesisFake({ accessKeyIds: ['KNOWN'] })
    const open = (accessKeyId: string) =>
      openKinesis(addressOf(fake), { logger, credentials: { ...credentials, accessKeyId } })
    await expect(open('OTHER')).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringMatching(/UnrecognizedClientException.*not valid here/),
    })
    fake.faults.add({ effect: { kind: 'error', code: 'ExpiredTokenException' } })
    await expect(open('KNOWN')).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringMatching(/expired: renew/),
    })
  })

  test('by a user that may not list streams is no error', async () => {
    await using fake = await startKinesisFake()
    fake.faults.add({ on: 'ListStreams', effect: { kind: 'error', code: 'AccessDeniedException' } })
    await (await openKinesis(addressOf(fake), { logger, credentials })).close()
  })

  test('without a region says how to give one', async () => {
    bareEnvironment()
    await using fake = await startKinesisFake()
    await expect(
      openKinesis(`kinesis://?endpoint=${fake.endpoint}`, { logger, credentials }),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/kinesis:\/\/eu-west-1/),
    })
  })

  test('where nothing listens, or something that is not Kinesis', async () => {
    const fake = await startKinesisFake()
    const address = addressOf(fake)
    await fake.stop()
    await expect(openKinesis(address, { logger, credentials })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/nothing listens there/),
    })
    const server = createServer((socket) => socket.end('220 mail.example.com ESMTP\r\n')).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    for (const scheme of ['http', 'https']) {
      await expect(
        openKinesis(`kinesis://us-east-1?endpoint=${scheme}://127.0.0.1:${port}`, { logger, credentials }),
      ).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(/port/) })
    }
    server.close()
  })

  test('where nobody answers ends by the time-out that was given', async () => {
    await using fake = await startKinesisFake()
    fake.faults.add({ effect: { kind: 'hang' } })
    const address = addressOf(fake, { requestTimeoutMs: '200' })
    await expect(openKinesis(address, { logger, credentials })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})
