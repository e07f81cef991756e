import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { json, StreamError, string, topic } from '../../src/index.ts'

describe('topic()', () => {
  test.each(['', 'a/b', 'ä', '.', '..', 'x'.repeat(250)])('refuses the name %j', (name) => {
    expect(() => topic(name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  test('takes bytes with text keys when nothing is said', () => {
    const { codec, keySerde } = topic('t')
    expect(codec.serde.name).toBe('bytes')
    expect(keySerde.name).toBe('string')
  })

  test('takes any Standard Schema over JSON, and tells what does not fit', async () => {
    const { codec } = topic('t', { value: z.object({ id: z.string(), at: z.coerce.date() }) })
    expect(codec.serde.name).toBe('json')
    expect(await codec.validate?.({ id: 'a', at: 0 })).toEqual({ id: 'a', at: new Date(0) })
    expect(() => codec.validate?.({ at: 0 })).toThrow(/does not fit the schema of topic "t": .* at id/)
  })

  test('waits for schemas that take their time', async () => {
    const late = z.string().refine(async (text) => text !== 'bad', 'is bad')
    const { codec } = topic('t', { value: late })
    await expect(codec.validate?.('bad')).rejects.toThrow(StreamError)
    await expect(codec.validate?.('good')).resolves.toBe('good')
  })
})

describe('serdes', () => {
  test('json refuses what has no JSON form', () => {
    expect(() => json<unknown>().encode(undefined)).toThrow(TypeError)
  })

  test('string refuses bytes that are not UTF-8, and keeps a byte order mark', () => {
    expect(() => string().decode(Uint8Array.of(0xff))).toThrow(TypeError)
    expect(string().decode(string().encode('\ufeffx'))).toBe('\ufeffx')
  })
})
