import { readFileSync } from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../conformance/eventually.ts'
import { FakeStream, NAME, texts } from './fake-stream.ts'

const certificate = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, '../../kafka/certificates', name), 'utf8')

describe('with TLS', () => {
  const trusted = tls.getCACertificates('default')
  beforeAll(() => tls.setDefaultCACertificates([...trusted, certificate('authority.pem')]))
  afterAll(() => tls.setDefaultCACertificates(trusted))

  const start = (handler: 'HTTP/1.1' | 'HTTP/2') =>
    FakeStream.start({ handler, tls: { key: certificate('broker.key'), cert: certificate('broker.pem') } })

  test.each(['HTTP/1.1', 'HTTP/2'] as const)('records and subscriptions come over %s', async (handler) => {
    await using stream = await start(handler)
    expect(stream.fake.endpoint).toMatch(/^https:/)
    await stream.put(['a'])
    expect(await stream.read()).toEqual(['a'])
    const events = await stream.subscribe(await stream.register())
    expect(texts((await events.next()).value)).toEqual(['a'])
    stream.fake.subscriptions(NAME)[0]!.interrupt({ kind: 'end-events' })
    expect((await events.next()).done).toBe(true)
  })

  test.each(['HTTP/1.1', 'HTTP/2'] as const)('connections can be cut over %s', async (handler) => {
    await using stream = await start(handler)
    stream.fake.faults.add({ on: 'PutRecords', effect: { kind: 'cut', when: 'after' } })
    await expect(stream.put(['a'])).rejects.toThrow()
    expect(await stream.read()).toEqual(['a'])
    const events = await stream.subscribe(await stream.register())
    await events.next()
    stream.fake.subscriptions(NAME)[0]!.interrupt({ kind: 'cut-events' })
    const end = events.next().then(
      () => true,
      () => true,
    )
    await eventually(() => end)
    expect(stream.fake.subscriptions(NAME)).toEqual([])
  })
})
