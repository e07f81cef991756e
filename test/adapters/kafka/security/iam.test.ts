import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type AwsCredentials, iamTokens } from '../../../../adapters/kafka/security/iam.ts'

const REGION = 'eu-west-1'
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

function tokens(credentials: AwsCredentials | (() => Promise<AwsCredentials>)) {
  return iamTokens({
    region: REGION,
    credentials,
    profile: undefined,
    role: undefined,
    roleSessionName: 'millrace',
  })
}

/** The signature as https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html has it. */
function signatureOf(url: URL, secret: string): string {
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const empty = createHash('sha256').update('').digest('hex')
  const canonical = ['GET', '/', query, `host:${url.host}`, '', 'host', empty].join('\n')
  const date = url.searchParams.get('X-Amz-Date')!
  const scope = `${date.slice(0, 8)}/${REGION}/kafka-cluster/aws4_request`
  const digest = createHash('sha256').update(canonical).digest('hex')
  const key = ['kafka-cluster', 'aws4_request'].reduce(
    hmac,
    hmac(hmac(`AWS4${secret}`, date.slice(0, 8)), REGION),
  )
  return hmac(key, ['AWS4-HMAC-SHA256', date, scope, digest].join('\n')).toString('hex')
}

describe('tokens of IAM', () => {
  test('are a URL signed for kafka-cluster:Connect, as SigV4 says', async () => {
    const token = await tokens({ ...KEYS, sessionToken: 'session/token+=' }).get()
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
    const url = new URL(Buffer.from(token, 'base64url').toString())
    expect(url.host).toBe(`kafka.${REGION}.amazonaws.com`)
    const query = Object.fromEntries(url.searchParams)
    expect(query).toMatchObject({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Security-Token': 'session/token+=',
    })
    expect(query['X-Amz-Credential']).toMatch(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/)
    expect(query['X-Amz-Signature']).toBe(signatureOf(url, KEYS.secretAccessKey))
  })

  test('credentials and tokens are asked for once, also by many at a time', async () => {
    let asked = 0
    const source = tokens(async () => {
      asked++
      return { ...KEYS, expiration: new Date(Date.now() + 3_600_000) }
    })
    const all = await Promise.all(Array.from({ length: 20 }, () => source.get()))
    expect(new Set(all).size).toBe(1)
    expect(await source.get()).toBe(all[0])
    expect(asked).toBe(1)
  })

  test('credentials that have expired are told, and asked for again', async () => {
    let expiration = new Date(Date.now() - 1_000)
    const source = tokens(async () => ({ ...KEYS, expiration }))
    await expect(source.get()).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('expired'),
    })
    expiration = new Date(Date.now() + 60_000)
    const url = new URL(Buffer.from(await source.get(), 'base64url').toString())
    // Whole seconds: the service refuses fractions.
    expect(url.searchParams.get('X-Amz-Expires')).toMatch(/^\d+$/)
  })

  test('what the provider says is passed on', async () => {
    const source = tokens(async () => {
      throw new Error('the profile is not logged in')
    })
    await expect(source.get()).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('the profile is not logged in'),
    })
  })
})
