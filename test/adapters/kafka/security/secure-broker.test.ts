import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { kafkaAddress } from '../../../support/kafka/kafka-driver.ts'
import { certificate, startSecureBroker, USER, unsecuredToken } from '../../../support/kafka/secure-broker.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import type { Broker } from '../../../support/kafka/start-broker.ts'

const SESSION_MS = 2_500
const RUN_MS = process.env.MILLRACE_LONG === '1' ? 60_000 : 8_000

describe.runIf(inject('docker'))('a broker that wants to know who is there', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startSecureBroker(SESSION_MS)
  }, 60_000)
  afterAll(() => broker?.stop())
  afterEach(() => vi.unstubAllEnvs())

  const ca = certificate('authority.pem')
  const address = (listener: string, query = '') =>
    kafkaAddress(broker.addresses[listener]!, Object.fromEntries(new URLSearchParams(query)))
  const open = (listener: string, query = '', credentials?: unknown) =>
    openKafka(address(listener, query), { logger: quiet, credentials })

  async function works(opening: Promise<Driver>): Promise<void> {
    const driver = await opening
    expect(await driver.admin.listTopics()).toBeInstanceOf(Array)
    await driver.close()
  }

  /** The error, within seconds. */
  async function refusal(opening: Promise<Driver>): Promise<{ code: string; message: string }> {
    const begun = performance.now()
    const error = await opening.then(
      (driver) => driver.close().then(() => 'it was let in'),
      (error) => error,
    )
    expect(performance.now() - begun).toBeLessThan(20_000)
    return error
  }

  test('mutual TLS', async () => {
    const client = `cert=${certificate('client.pem')}&key=${certificate('client.key')}`
    await works(open('MUTUAL', `ca=${ca}&${client}`))
    expect(await refusal(open('MUTUAL', `ca=${ca}`))).toMatchObject({
      code: expect.stringMatching(/UNAVAILABLE|PERMISSION_DENIED/),
      message: expect.stringMatching(/certificate/i),
    })
    expect(await refusal(open('MUTUAL', `tls=true&${client}`))).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('ca=FILE'),
    })
    await works(open('MUTUAL', `insecure=true&${client}`))
  })

  test('SASL/PLAIN, by environment and by option', async () => {
    await works(open('SASL', 'sasl=plain', USER))
    vi.stubEnv('MILLRACE_KAFKA_PASSWORD', USER.password)
    await works(open('SASLTLS', `sasl=plain&username=${USER.username}&ca=${ca}`))
    expect(await refusal(open('SASL', 'sasl=plain', { ...USER, password: 'wrong' }))).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('password'),
    })
  })

  test('SCRAM', async () => {
    for (const mechanism of ['scram-sha-256', 'scram-sha-512']) {
      await works(open('SASLTLS', `sasl=${mechanism}&ca=${ca}`, USER))
      const wrong = open('SASLTLS', `sasl=${mechanism}&ca=${ca}`, { ...USER, password: 'wrong' })
      expect(await refusal(wrong)).toMatchObject({ code: 'PERMISSION_DENIED' })
    }
    expect(await refusal(open('SASL', 'sasl=scram-sha-256', USER))).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringMatching(/mechanism|enabled/i),
    })
  })

  test('the wrong kind of port is told', async () => {
    expect(await refusal(open('SASL'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('SASL'),
    })
    expect(await refusal(open('SASLTLS'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('TLS'),
    })
    expect(await refusal(open('PLAINTEXT', 'tls=true'))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('TLS'),
    })
  })

  test('tokens that are wrong or have expired', async () => {
    const oauth = `sasl=oauthbearer&ca=${ca}`
    expect(await refusal(open('SASLTLS', oauth, { token: unsecuredToken(-60_000) }))).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('expired'),
    })
    expect(await refusal(open('SASLTLS', oauth, { token: 'a.b.c' }))).toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    const failing = async (): Promise<string> => {
      throw new Error('the identity provider is away')
    }
    expect(await refusal(open('SASLTLS', oauth, { token: failing }))).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('the identity provider is away'),
    })
  })

  test(
    'records are neither lost nor doubled through many re-authentications',
    async () => {
      let tokens = 0
      const token = async (): Promise<string> => {
        tokens++
        return unsecuredToken(4_000)
      }
      const driver = await open('SASLTLS', `sasl=oauthbearer&ca=${ca}`, { token })
      const topic = uniqueName('reauth')
      await driver.admin.createTopic({ name: topic, partitions: 3 })
      const producer = await driver.openProducer({ clientId: 'reauth' })
      const until = performance.now() + RUN_MS
      const seen: string[] = []
      const stop = new AbortController()
      const reading = Promise.all(
        ['0', '1', '2'].map(async (partition) => {
          const reader = await driver.openReader({ topic, partition, start: { from: 'earliest' } })
          while (!stop.signal.aborted) {
            const batch = await reader.next({ maxBytes: 1 << 20, signal: stop.signal }).catch((error) => {
              if (stop.signal.aborted) return null
              throw error
            })
            if (batch === null) break
            for (let i = 0; i < batch.count; i++) seen.push(Buffer.from(batch.value(i)!).toString())
          }
          await reader.close()
        }),
      )
      let sent = 0
      // On a busy machine a token may live through several re-authentications that come late.
      while (performance.now() < until || tokens <= RUN_MS / 4_000) {
        const records = Array.from({ length: 20 }, (): EncodedRecord => {
          const number = sent++
          return {
            key: Buffer.from(`k${number % 10}`),
            value: Buffer.from(String(number)),
            headers: [],
            timestamp: undefined,
            partition: undefined,
          }
        })
        await producer.send(topic, records)
      }
      await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(sent)
      stop.abort()
      await reading
      expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, i) => i))
      await driver.close()
    },
    RUN_MS + 120_000,
  )
})
