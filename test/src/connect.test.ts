import { describe, expect, test } from 'vitest'
import { connect, StreamError } from '../../src/index.ts'

describe('connect', () => {
  test.each([
    ['./data', /Did you mean "log:\.\/data"/],
    ['', /is no address/],
    ['ftp://host', /no backend has the scheme/],
    ['log:', /log:/],
    ['memory:?nonsense=1', /nonsense/],
  ])('refuses %j and says how addresses look', async (address, message) => {
    await expect(connect(address)).rejects.toThrow(message)
    await expect(connect(address)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('what is required is checked at once', async () => {
    await expect(connect('memory:', { require: ['durable'] })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await using streams = await connect('memory:' as string, { require: ['transactions'] })
    await streams.admin.createTopic({ name: 't' })
    await streams.transaction(async (tx) => tx.send('t', Buffer.alloc(1)))
  })

  test('credentials that mean nothing are refused', async () => {
    await expect(connect('memory:', { credentials: { user: 'a' } })).rejects.toThrow(StreamError)
  })

  test('what is closed refuses, and closing twice is closing once', async () => {
    const streams = await connect('memory:')
    await Promise.all([streams.close(), streams.close()])
    expect(() => streams.producer()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })

  test('names that no topic can have, missing ones and existing ones', async () => {
    await using streams = await connect('memory:')
    await expect(streams.admin.createTopic({ name: 'a/b' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(streams.admin.describeTopic('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await streams.admin.createTopic({ name: 't' })
    await expect(streams.admin.createTopic({ name: 't' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  })
})
