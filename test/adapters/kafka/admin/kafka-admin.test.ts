import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'

describe.runIf(inject('docker'))('topics of a cluster', () => {
  let driver: Driver
  beforeAll(async () => {
    driver = await openKafka(`kafka://${await sharedBroker()}`, { logger: quiet })
  })
  afterAll(() => driver?.close())

  test('are created with their settings, described, listed and deleted', async () => {
    const name = uniqueName('admin')
    await driver.admin.createTopic({
      name,
      partitions: 3,
      retentionMs: 3_600_000,
      retentionBytes: Number.POSITIVE_INFINITY,
      compacted: true,
      maxRecordBytes: 5_000,
      compression: 'zstd',
      settings: { 'min.cleanable.dirty.ratio': '0.2', 'replication.factor': '1' },
    })
    expect(await driver.admin.listTopics()).toContain(name)
    expect(await driver.admin.describeTopic(name)).toMatchObject({
      name,
      compacted: true,
      maxRecordBytes: 5_000,
      retentionMs: 3_600_000,
      settings: {
        'cleanup.policy': 'compact',
        'compression.type': 'zstd',
        'min.cleanable.dirty.ratio': '0.2',
        'replication.factor': '1',
        'retention.bytes': '-1',
      },
      partitions: ['0', '1', '2'].map((id) => ({
        id,
        state: 'open',
        earliest: '0',
        latest: '0',
        records: 0,
      })),
    })
    await expect(driver.admin.createTopic({ name })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await driver.admin.deleteTopic(name)
    await expect(driver.admin.describeTopic(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(driver.admin.deleteTopic(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    // At once again, under the same name.
    await driver.admin.createTopic({ name })
    await driver.admin.deleteTopic(name)
  })

  test('with settings that Kafka does not have are refused in its words', async () => {
    const settings = { 'retention.centuries': '1' }
    await expect(driver.admin.createTopic({ name: uniqueName('admin'), settings })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('retention.centuries'),
    })
    await expect(driver.admin.createTopic({ name: 'no/slash' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const tooMany = { name: uniqueName('admin'), settings: { 'replication.factor': '5' } }
    await expect(driver.admin.createTopic(tooMany)).rejects.toMatchObject({
      code: expect.stringMatching(/INVALID_ARGUMENT/),
    })
  })

  test('get more partitions only where reordering is accepted', async () => {
    const name = uniqueName('admin')
    await driver.admin.createTopic({ name })
    const add = (total: number, acceptReordering: boolean) =>
      driver.admin.addPartitions(name, total, { acceptReordering })
    await expect(add(3, false)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('acceptReordering'),
    })
    await add(3, true)
    expect((await driver.admin.describeTopic(name)).partitions).toHaveLength(3)
    await add(3, true)
    await expect(add(2, true)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(driver.admin.addPartitions('nowhere', 2, { acceptReordering: true })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('the largest record fits, and one byte more is refused with the limit', async () => {
    const name = uniqueName('admin')
    await driver.admin.createTopic({ name, maxRecordBytes: 2_000_000 })
    const producer = await driver.openProducer({ clientId: 'admin-test' })
    const record = (bytes: number): EncodedRecord => ({
      key: null,
      value: Buffer.alloc(bytes),
      headers: [],
      timestamp: undefined,
      partition: undefined,
    })
    await producer.send(name, [record(2_000_000)])
    await expect(producer.send(name, [record(1), record(2_000_001)])).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringContaining('2000000'),
    })
    expect((await driver.admin.describeTopic(name)).partitions[0]).toMatchObject({ latest: '1' })
    await producer.close(1_000)
  })
})
