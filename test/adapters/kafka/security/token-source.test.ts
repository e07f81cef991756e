import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expiryOf, type Token, TokenSource } from '../../../../adapters/kafka/security/token-source.ts'
import { unsecuredToken } from '../../../support/kafka/secure-broker.ts'

describe('tokens', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => vi.useRealTimers())

  const source = (lifetimeMs: number) => {
    let made = 0
    const fetch = async (): Promise<Token> => ({ value: `t${++made}`, expiresAt: Date.now() + lifetimeMs })
    return new TokenSource(fetch)
  }

  test('are renewed a minute ahead of their end', async () => {
    const tokens = source(900_000)
    expect(await tokens.get()).toBe('t1')
    vi.advanceTimersByTime(839_000)
    expect(await tokens.get()).toBe('t1')
    vi.advanceTimersByTime(2_000)
    expect(await tokens.get()).toBe('t2')
  })

  test('that live for seconds are renewed in their last fifth', async () => {
    const tokens = source(10_000)
    expect(await tokens.get()).toBe('t1')
    vi.advanceTimersByTime(7_900)
    expect(await tokens.get()).toBe('t1')
    vi.advanceTimersByTime(200)
    expect(await tokens.get()).toBe('t2')
  })

  test('a failure is not kept', async () => {
    let fail = true
    const tokens = new TokenSource(async () => {
      if (fail) throw new Error('away')
      return { value: 'token', expiresAt: undefined }
    })
    await expect(tokens.get()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    fail = false
    expect(await tokens.get()).toBe('token')
  })

  test('say of themselves when they end, if they are JSON Web Tokens', () => {
    expect(expiryOf(unsecuredToken(60_000))).toBeCloseTo(Date.now() + 60_000, -2)
    expect(expiryOf('opaque')).toBeUndefined()
    expect(expiryOf('a.b.c')).toBeUndefined()
  })
})
