import { afterEach, describe, expect, test, vi } from 'vitest'
import { parseAddress } from '../../../adapters/kafka/address.ts'
import { openKafka } from '../../../adapters/kafka/index.ts'
import { readSasl } from '../../../adapters/kafka/security/sasl.ts'
import { readTls } from '../../../adapters/kafka/security/tls.ts'
import { quiet } from '../../conformance/connection.ts'

describe('addresses', () => {
  test('name brokers, with Kafka and MSK having ports of their own', () => {
    expect(parseAddress('kafka://a:9092,b:9093/orders?acks=all').seeds).toEqual([
      { host: 'a', port: 9092 },
      { host: 'b', port: 9093 },
    ])
    expect(parseAddress('kafka://a').seeds).toEqual([{ host: 'a', port: 9092 }])
    expect(parseAddress('msk://a?region=eu-west-1').seeds).toEqual([{ host: 'a', port: 9098 }])
    expect(parseAddress('kafka://a').groupProtocol).toBe('classic')
    expect(parseAddress('kafka://a?groupProtocol=consumer').groupProtocol).toBe('consumer')
    expect(parseAddress('kafka://[::1]:9092').seeds).toEqual([{ host: '::1', port: 9092 }])
  })

  test.each([
    ['kafka://', /no host:port/],
    ['kafka://a:99999', /no host:port/],
    ['kafka:a:9092', /write kafka:\/\/host:9092/],
    ['kafka://a?ack=all', /unknown parameter ack.*acks.*compression/],
    ['kafka://a?region=eu-west-1', /unknown parameter region/],
    ['kafka://a?acks=0', /acks=0.*all.*1/],
    ['kafka://a?compression=brotli', /none, gzip, snappy, lz4, zstd/],
    ['kafka://a?driver=other', /kafkajs, direct/],
    ['kafka://a?groupProtocol=new', /classic.*consumer/],
    ['kafka://a?connectTimeoutMs=soon', /connectTimeoutMs=soon/],
    ['kafka://user:secret@a:9092', /MILLRACE_KAFKA_PASSWORD/],
  ])('%s is refused', (address, message) => {
    expect(() => parseAddress(address)).toThrow(message)
    expect(() => parseAddress(address)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => parseAddress(address)).not.toThrow(/secret/)
  })

  test.each([
    ['kafka://127.0.0.1:1?partitioner=random', /partitioner=random/],
    ['kafka://127.0.0.1:1?tls=false&ca=x', /tls=false and ca/],
    ['kafka://127.0.0.1:1?ca=/no/such/file', /PEM file/],
    ['kafka://127.0.0.1:1?tls=maybe', /true or false/],
    ['kafka://127.0.0.1:1?sasl=gssapi', /plain, scram-sha-256/],
    ['kafka://127.0.0.1:1?sasl=plain&username=u', /needs a password/],
    ['kafka://127.0.0.1:1?sasl=oauthbearer', /needs a token/],
    ['kafka://127.0.0.1:1?username=u', /without a mechanism/],
    ['msk://127.0.0.1:1?tls=false&region=eu-west-1', /msk: is always TLS/],
  ])('%s is refused before anything is connected', async (address, message) => {
    await expect(openKafka(address, { logger: quiet })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})

describe('security', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('certificates are checked unless it is said otherwise', () => {
    expect(readTls(new Map(), undefined, false)).toBeUndefined()
    expect(readTls(new Map([['tls', 'true']]), undefined, false)).toEqual({})
    expect(readTls(new Map([['insecure', 'true']]), undefined, false)).toEqual({ rejectUnauthorized: false })
    expect(readTls(new Map(), { servername: 'b' }, false)).toEqual({ servername: 'b' })
    expect(() => readTls(new Map(), { sevrername: 'b' }, false)).toThrow(/sevrername/)
    expect(readTls(new Map(), undefined, true)).toEqual({})
  })

  test('MSK takes its region from the parameter, its host name or the environment', () => {
    vi.stubEnv('AWS_REGION', undefined)
    vi.stubEnv('AWS_DEFAULT_REGION', undefined)
    const keys = { accessKeyId: 'a', secretAccessKey: 'b' }
    const sasl = (address: string) => readSasl(parseAddress(address), keys)
    expect(sasl('msk://a?region=eu-west-1')).toMatchObject({ mechanism: 'oauthbearer' })
    expect(sasl('msk://b-1.demo.abc.c2.kafka.eu-west-1.amazonaws.com')).toBeDefined()
    expect(sasl('msk://boot-x.c1.kafka-serverless.us-east-1.amazonaws.com')).toBeDefined()
    expect(() => sasl('msk://a')).toThrow(/region/)
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    expect(sasl('msk://a')).toBeDefined()
  })

  test('credentials that do not fit the mechanism are refused', () => {
    const plain = parseAddress('kafka://a?sasl=plain')
    expect(readSasl(plain, { username: 'u', password: 'p' })).toEqual({
      mechanism: 'plain',
      username: 'u',
      password: 'p',
    })
    expect(() => readSasl(plain, { token: 't' })).toThrow(/username and password/)
    expect(() => readSasl(parseAddress('kafka://a'), { username: 'u', password: 'p' })).toThrow(/mechanism/)
    expect(() => readSasl(parseAddress('msk://a?region=x'), 'secret')).toThrow(/credentials/)
  })
})
