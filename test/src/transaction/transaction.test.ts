import { describe, expect, test } from 'vitest'
import { connect, json, type Streams, topic } from '../../../src/index.ts'

const input = topic('input', { value: json<number>(), key: String })
const output = topic('output', { value: json<number>(), key: String })

async function backend() {
  const streams = await connect('memory:')
  await streams.admin.createTopic({ name: 'input' })
  await streams.admin.createTopic({ name: 'output', partitions: 2 })
  return streams
}

async function values(streams: Streams, of: typeof input): Promise<(number | null)[]> {
  return Array.fromAsync(streams.read(of, { until: 'now' }).records(), ({ value }) => value)
}

describe('transactions', () => {
  test('become visible with the commit, over topics, and sends need not be awaited', async () => {
    await using streams = await backend()
    await streams.transaction(async (tx) => {
      void tx.send(input, 1)
      await tx.sendBatch(output, [2, 3])
      expect(await values(streams, input)).toEqual([])
      expect(await values(streams, output)).toEqual([])
    })
    expect(await values(streams, input)).toEqual([1])
    expect((await values(streams, output)).toSorted()).toEqual([2, 3])
  })

  test('leave nothing behind when the function throws, or a send of theirs fails', async () => {
    await using streams = await backend()
    const broken = async (): Promise<void> => {
      await streams.transaction(async (tx) => {
        await tx.send(output, 1)
        throw new Error('no')
      })
    }
    await expect(broken()).rejects.toThrow('no')
    const unawaited = streams.transaction(async (tx) => {
      await tx.send(output, 2)
      void tx.send('nowhere', Buffer.alloc(1)).catch(() => {})
    })
    await expect(unawaited).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await values(streams, output)).toEqual([])
    await streams.transaction(async (tx) => tx.send(output, 3))
    expect(await values(streams, output)).toEqual([3])
  })

  test('checkpoint the batch with them, or not', async () => {
    await using streams = await backend()
    await streams.producer().sendBatch(input, [1, 2, 3])
    for await (const batch of streams.consumer({ group: 'g', topics: [input] })) {
      const failed = streams.transaction(batch, async (tx) => {
        await tx.sendBatch(output, [10])
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      break
    }
    for await (const batch of streams.consumer({ group: 'g', topics: [input] })) {
      expect(batch.records.map(({ value }) => value)).toEqual([1, 2, 3])
      await streams.transaction(batch, async (tx) => {
        for (const { value } of batch) await tx.send(output, (value ?? 0) * 10)
      })
      break
    }
    const { partitions } = await streams.groups.describeGroup('g')
    expect(partitions[0]?.lag).toEqual({ records: 0 })
    expect((await values(streams, output)).toSorted()).toEqual([10, 20, 30])
  })

  test('run beside each other, or in turn under one id', async () => {
    await using streams = await backend()
    await Promise.all([1, 2, 3].map((n) => streams.transaction(async (tx) => tx.send(output, n))))
    const order: number[] = []
    await Promise.all(
      [4, 5].map((n) =>
        streams.transaction(
          async (tx) => {
            order.push(n)
            await tx.send(output, n)
            order.push(n)
          },
          { transactionalId: 'mine' },
        ),
      ),
    )
    expect(order).toEqual([4, 4, 5, 5])
    expect((await values(streams, output)).toSorted()).toEqual([1, 2, 3, 4, 5])
  })

  test('a newer user of an id fences the older', async () => {
    const newer = await connect('memory:fenced')
    const older = await connect('memory:fenced')
    await newer.admin.createTopic({ name: 'output' })
    const id = { transactionalId: 'mine' }
    await older.transaction(async (tx) => tx.send(output, 1), id)
    const late = older.transaction(async (tx) => {
      await newer.transaction(async (other) => other.send(output, 2), id)
      await tx.send(output, 3)
    }, id)
    await expect(late).rejects.toMatchObject({ code: 'FENCED' })
    expect(await values(newer, output)).toEqual([1, 2])
    await Promise.all([newer.close(), older.close()])
  })

  test('a batch of somebody else is refused', async () => {
    await using streams = await backend()
    await streams.producer().send(input, 1)
    for await (const batch of streams.read(input, { until: 'now' })) {
      const refused = streams.transaction(batch as never, async () => {})
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  test('too large a record aborts', async () => {
    await using streams = await backend()
    await streams.admin.createTopic({ name: 'small', maxRecordBytes: 10 })
    const refused = streams.transaction(async (tx) => tx.send('small', Buffer.alloc(11)))
    await expect(refused).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' })
  })
})
