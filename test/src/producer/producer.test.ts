import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bytes, connect, json, topic } from '../../../src/index.ts'

async function backend(options: { maxRecordBytes?: number } = {}) {
  const streams = await connect('memory:')
  await streams.admin.createTopic({ name: 't', ...options })
  return streams
}

describe('the producer', () => {
  test('keeps the order of calls, awaited or not, alone or in batches', async () => {
    await using streams = await backend()
    const t = topic('t', { value: json<number>(), key: () => 'k' })
    await using producer = streams.producer()
    const sent = [
      producer.send(t, 0),
      producer.sendBatch(t, [1, 2, 3]),
      producer.send(t, 4),
      producer.sendRecords(t, [{ value: 5 }, { value: 6 }]),
    ]
    await Promise.all(sent)
    await Promise.all([producer.send(t, 7), producer.sendBatch(t, [8, 9])])
    const values = await Array.fromAsync(streams.read(t, { until: 'now' }).records(), ({ value }) => value)
    expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('what is no array of values is refused, and held by nothing', async () => {
    await using streams = await backend()
    const t = topic('t', { value: json<number>() })
    const producer = streams.producer()
    const one = { value: 1 } as unknown as readonly { value: number }[]
    await expect(producer.sendRecords(t, one)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/take an array/),
    })
    await expect(producer.sendBatch(t, 1 as unknown as readonly number[])).rejects.toThrow(/take an array/)
    await producer.flush()
    await producer.close()
  })

  test('a schema that takes its time lets nothing overtake', async () => {
    await using streams = await backend()
    const slow = z.object({ n: z.number() }).refine(async ({ n }) => {
      if (n === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      return n !== 2
    }, 'is 2')
    const checked = topic('t', { value: slow, key: () => 'k' })
    const plain = topic('t', { value: json<{ n: number }>(), key: () => 'k' })
    await using producer = streams.producer()
    const results = await Promise.allSettled([
      producer.send(checked, { n: 0 }),
      producer.send(plain, { n: 1 }),
      producer.send(checked, { n: 2 }),
      producer.send(checked, { n: 3 }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(results[2]).toMatchObject({
      reason: { code: 'INVALID_ARGUMENT', message: expect.stringContaining('is 2') },
    })
    const values = await Array.fromAsync(
      streams.read(plain, { until: 'now' }).records(),
      ({ value }) => value?.n,
    )
    expect(values).toEqual([0, 1, 3])
  })

  test('one record over the limit refuses its own call and no other', async () => {
    await using streams = await backend({ maxRecordBytes: 100 })
    await using producer = streams.producer()
    const results = await Promise.allSettled([
      producer.send('t', Buffer.alloc(100)),
      producer.sendBatch('t', [Buffer.alloc(1), Buffer.alloc(101)]),
      producer.send('t', Buffer.alloc(90), { key: '12345', headers: { h: 'wert' } }),
      producer.send('t', Buffer.alloc(90), { key: '12345', headers: { h: 'werts' } }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect(results[1]).toMatchObject({
      reason: { code: 'RECORD_TOO_LARGE', message: expect.stringContaining('100 bytes') },
    })
    expect(await Array.fromAsync(streams.read('t', { until: 'now' }).records())).toHaveLength(2)
  })

  test('holds callers back while too much is unacknowledged', async () => {
    await using streams = await backend()
    await using producer = streams.producer({ maxBufferedBytes: 1_000 })
    await producer.send('t', Buffer.alloc(1))
    let most = 0
    const sends = Array.from({ length: 50 }, async () => {
      await producer.send('t', Buffer.alloc(400))
      most = Math.max(most, producer.bufferedBytes)
    })
    expect(producer.bufferedBytes).toBeLessThanOrEqual(1_400)
    await Promise.all(sends)
    expect(most).toBeLessThanOrEqual(1_400)
    expect(producer.bufferedBytes).toBe(0)
  })

  test('says what does not encode, and sends nothing of that call', async () => {
    await using streams = await backend()
    await using producer = streams.producer()
    const t = topic('t', { value: json<unknown>() })
    await expect(producer.sendBatch(t, [1, undefined])).rejects.toThrow(/cannot be encoded as json/)
    await expect(producer.send('t', Buffer.alloc(1), { timestamp: -1 })).rejects.toThrow(/-1 is no timestamp/)
    const keyed = topic('t', { value: json<{ id?: string }>(), key: (value) => value.id as string })
    await expect(producer.send(keyed, {})).rejects.toThrow(/gave undefined/)
    expect(await Array.fromAsync(streams.read('t', { until: 'now' }).records())).toHaveLength(0)
  })

  test('a missing topic is told by the first send', async () => {
    await using streams = await backend()
    await expect(streams.producer().send('nowhere', Buffer.alloc(1))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('close sends what was handed over, then refuses', async () => {
    await using streams = await backend()
    const producer = streams.producer()
    const sent = producer.send(topic('t', { value: bytes() }), Buffer.from('last'))
    await producer.close()
    await expect(sent).resolves.toMatchObject({ partition: '0' })
    await expect(producer.send('t', Buffer.alloc(1))).rejects.toMatchObject({ code: 'CLOSED' })
    await producer.close()
  })

  test('an empty batch is no batch', async () => {
    await using streams = await backend()
    expect(await streams.producer().sendBatch('t', [])).toHaveLength(0)
  })
})
