import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, DriverTransaction, EncodedRecord, GroupMember } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'

describe.runIf(inject('docker'))('transactions', () => {
  let driver: Driver
  beforeAll(async () => {
    driver = await openKafka(`kafka://${await sharedBroker()}`, { logger: quiet })
  })
  afterAll(() => driver?.close())

  const record = (value: string, partition?: string): EncodedRecord => ({
    key: Buffer.from('k'),
    value: Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition,
  })

  async function topicOf(partitions = 1): Promise<string> {
    const name = uniqueName('tx')
    await driver.admin.createTopic({ name, partitions })
    return name
  }

  async function valuesIn(topic: string): Promise<string[]> {
    const values: string[] = []
    const { partitions } = await driver.admin.describeTopic(topic)
    for (const { id } of partitions) {
      const start = { from: 'earliest' } as const
      const reader = await driver.openReader({ topic, partition: id, start, until: 'now' })
      for (;;) {
        const batch = await reader.next({ maxBytes: 1 << 20, signal: new AbortController().signal })
        if (batch === null) break
        for (let i = 0; i < batch.count; i++) values.push(Buffer.from(batch.value(i)!).toString())
      }
      await reader.close()
    }
    return values
  }

  const open = (transactionalId?: string, timeoutMs = 30_000) =>
    driver.openTransactions!({
      clientId: 'tx-test',
      timeoutMs,
      ...(transactionalId === undefined ? {} : { transactionalId }),
    })

  test('what is committed is there, on several topics; what is aborted is not', async () => {
    const topics = [await topicOf(3), await topicOf(3)]
    const producer = await open()
    for (const [value, commit] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      const transaction = await producer.begin()
      for (const topic of topics) {
        await transaction.send(topic, [record(value, '0'), record(value, '2')])
      }
      if (commit) await transaction.commit()
      else await transaction.abort()
    }
    for (const topic of topics) expect((await valuesIn(topic)).sort()).toEqual(['a', 'a', 'c', 'c'])
    await producer.close()
  })

  test('many one after another do not wait for each other', async () => {
    const topic = await topicOf(4)
    const producer = await open()
    const took: number[] = []
    for (let i = 0; i < 20; i++) {
      const begun = performance.now()
      const transaction = await producer.begin()
      await transaction.send(topic, [record(String(i), String(i % 4))])
      await transaction.commit()
      took.push(performance.now() - begun)
    }
    // With kafkajs as it comes each but the first waits 300 ms; a busy machine does not make all of them slow.
    expect(Math.min(...took.slice(1))).toBeLessThan(200)
    expect(await valuesIn(topic)).toHaveLength(20)
    await producer.close()
  })

  test('a second producer of the same id fences the first and aborts what it left open', async () => {
    const topic = await topicOf()
    const id = uniqueName('id')
    const first = await open(id)
    const left = await first.begin()
    await left.send(topic, [record('left open')])
    const second = await open(id)
    await expect(left.commit()).rejects.toMatchObject({ code: 'FENCED' })
    const transaction = await second.begin()
    await transaction.send(topic, [record('second')])
    await transaction.commit()
    expect(await valuesIn(topic)).toEqual(['second'])
    await expect(first.begin()).rejects.toMatchObject({ code: 'FENCED' })
    await Promise.all([first.close(), second.close()])
  })

  test('one that took too long is aborted by the broker, and the id can be taken again', async () => {
    const topic = await topicOf()
    const id = uniqueName('id')
    const producer = await open(id, 1_000)
    const late = await producer.begin()
    await late.send(topic, [record('late')])
    const uncommitted = async (): Promise<boolean> => {
      const { partitions } = await driver.admin.describeTopic(topic)
      return partitions[0]?.latest === '0'
    }
    await expect.poll(uncommitted).toBe(false)
    await expect(late.commit()).rejects.toMatchObject({ code: 'FENCED' })
    await producer.close()
    const again = await open(id)
    const transaction = await again.begin()
    await transaction.send(topic, [record('again')])
    await transaction.commit()
    expect(await valuesIn(topic)).toEqual(['again'])
    await again.close()
  })

  test('after a record that was refused the transaction is aborted and the producer goes on', async () => {
    const name = uniqueName('tx')
    await driver.admin.createTopic({ name, compacted: true })
    const producer = await open()
    const failing = await producer.begin()
    await failing.send(name, [record('good')])
    const keyless = { ...record('bad'), key: null }
    await expect(failing.send(name, [keyless])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(failing.commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const transaction = await producer.begin()
    await transaction.send(name, [record('next')])
    await transaction.commit()
    expect(await valuesIn(name)).toEqual(['next'])
    await producer.close()
  })

  test('a checkpoint takes effect with the commit, and a former generation is refused', async () => {
    const topic = await topicOf()
    const group = uniqueName('group')
    const producer = await open()
    const sender = await driver.openProducer({ clientId: 'tx-test' })
    await sender.send(topic, [record('1'), record('2'), record('3')])
    await sender.close(1_000)
    const assigned = Promise.withResolvers<Parameters<GroupMember['abandon']>[0]>()
    const member = await driver.joinGroup(
      {
        group,
        topics: [topic],
        from: 'earliest',
        clientId: 'm',
        sessionTimeoutMs: 6_000,
        drainTimeoutMs: 3_000,
      },
      { assigned: assigned.resolve, revoked: async () => {}, lost() {}, failed: assigned.reject },
    )
    const assignment = await assigned.promise
    const positions = async () => (await driver.groups.describeGroup(group)).partitions.map((p) => p.position)
    const checkpointed = async (transaction: DriverTransaction, checkpoint: string) => {
      await transaction.checkpoint(member, [{ assignment, checkpoint }])
    }
    const aborted = await producer.begin()
    await checkpointed(aborted, '1')
    await aborted.abort()
    expect(await positions()).toEqual(['0'])
    const committed = await producer.begin()
    await checkpointed(committed, '2')
    await committed.commit()
    await expect.poll(positions).toEqual(['2'])
    await member.leave()
    const zombie = await producer.begin()
    await expect(checkpointed(zombie, '3')).rejects.toMatchObject({ code: 'FENCED' })
    await zombie.abort()
    expect(await positions()).toEqual(['2'])
    await producer.close()
  })
})
