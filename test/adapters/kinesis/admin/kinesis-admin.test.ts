import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../../adapters/kinesis/address.ts'
import { KinesisAdmin } from '../../../../adapters/kinesis/admin/kinesis-admin.ts'
import { SdkService } from '../../../../adapters/kinesis/service/sdk-service.ts'
import { SdkCatalog } from '../../../../adapters/kinesis/shards/sdk-catalog.ts'
import type { DriverAdmin, PartitionDescription } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'
import { credentials, openOnFake } from '../support/fake-backend.ts'

const ALL = 1n << 128n

async function openShards(admin: DriverAdmin, topic: string): Promise<PartitionDescription[]> {
  const { partitions } = await admin.describeTopic(topic)
  return partitions
    .filter(({ state }) => state === 'open')
    .sort((a, b) => (BigInt(a.hashRange!.from) < BigInt(b.hashRange!.from) ? -1 : 1))
}

async function starts(admin: DriverAdmin, topic: string): Promise<bigint[]> {
  return (await openShards(admin, topic)).map(({ hashRange }) => BigInt(hashRange!.from))
}

const even = (count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => (ALL * BigInt(i)) / BigInt(count))

describe('topics of Kinesis', () => {
  test('are created as asked, and usable then', async () => {
    await using connection = await openOnFake({ settleMs: 50 })
    const { admin } = connection.driver
    await admin.createTopic({
      name: 'a',
      partitions: 3,
      retentionMs: 47.5 * 3_600_000,
      maxRecordBytes: 3_000_000,
    })
    expect(await admin.describeTopic('a')).toMatchObject({
      maxRecordBytes: 3_000_000,
      retentionMs: 48 * 3_600_000,
      settings: { mode: 'provisioned' },
    })
    expect(await starts(admin, 'a')).toEqual(even(3))
    await admin.createTopic({ name: 'b', settings: { mode: 'on-demand' } })
    expect((await admin.describeTopic('b')).settings).toEqual({ mode: 'on-demand' })
    await expect(admin.addPartitions('b', 9, { acceptReordering: false })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
  })

  test.each([
    [{ retentionMs: 1_000 }, 'INVALID_ARGUMENT'],
    [{ maxRecordBytes: 20_000_000 }, 'INVALID_ARGUMENT'],
    [{ name: 'x'.repeat(129) }, 'INVALID_ARGUMENT'],
    [{ settings: { mode: 'fast' } }, 'INVALID_ARGUMENT'],
    [{ compacted: true }, 'UNSUPPORTED'],
    [{ retentionBytes: 1 }, 'UNSUPPORTED'],
    [{ compression: 'gzip' as const }, 'UNSUPPORTED'],
  ])('that Kinesis cannot have are refused: %o', async (spec, code) => {
    await using connection = await openOnFake()
    await expect(connection.driver.admin.createTopic({ name: 'a', ...spec })).rejects.toMatchObject({ code })
    expect(connection.fake.calls.count('CreateStream')).toBe(0)
  })

  test('are deleted with their consumers, and their name is free then', async () => {
    await using connection = await openOnFake({ settleMs: 50 })
    const { admin } = connection.driver
    await admin.createTopic({ name: 'a' })
    await admin.deleteTopic('a')
    await admin.createTopic({ name: 'a' })
    await expect(admin.deleteTopic('b')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('of which the service ignores the keys are refused', async () => {
    await using connection = await openOnFake()
    const { driver, fake } = connection
    await driver.admin.createTopic({ name: 'a' })
    fake.stream('a').distribution = 'AUTO'
    await expect(driver.admin.describeTopic('a')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/RecordDistributionStrategy/),
    })
  })

  test('of more than a thousand shards are described whole', async () => {
    await using connection = await openOnFake()
    const { admin } = connection.driver
    await admin.createTopic({ name: 'a', partitions: 2_345 })
    expect((await admin.describeTopic('a')).partitions).toHaveLength(2_345)
    expect(connection.fake.calls.count('ListShards')).toBeGreaterThanOrEqual(3)
  })

  test.each([
    [1, 3],
    [2, 4],
    [2, 5],
    [3, 4],
  ])('go from %i shards to %i even ones by splits and merges', async (from, to) => {
    await using connection = await openOnFake({ limits: 'off', settleMs: 2 })
    const { admin } = connection.driver
    await admin.createTopic({ name: 'a', partitions: from })
    await admin.addPartitions('a', to, { acceptReordering: false })
    expect(await starts(admin, 'a')).toEqual(even(to))
    expect(connection.fake.calls.count('UpdateShardCount')).toBe(0)
    await expect(admin.addPartitions('a', from, { acceptReordering: false })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  test('on AWS scale by UpdateShardCount, twice as many at a time, and by splits when that is used up', async () => {
    await using fake = await startKinesisFake({ settleMs: 5 })
    const settings = parseAddress('kinesis://us-east-1')
    const connection = { region: 'us-east-1', credentials }
    const service = new SdkService({ connection, endpoint: fake.endpoint, requestTimeoutMs: 5_000 })
    const streams = new SdkCatalog(service)
    const admin = new KinesisAdmin({
      address: 'kinesis:',
      settings,
      connection,
      service,
      streams,
      logger: quiet,
    })
    try {
      await admin.createTopic({ name: 'a' })
      await admin.addPartitions('a', 5)
      expect(await starts(admin, 'a')).toEqual(even(5))
      expect(fake.calls.count('UpdateShardCount')).toBe(3)
      expect(fake.calls.count('SplitShard')).toBe(0)
      fake.faults.add({ on: 'UpdateShardCount', effect: { kind: 'error', code: 'LimitExceededException' } })
      await admin.addPartitions('a', 10)
      expect(await starts(admin, 'a')).toEqual(even(10))
      expect(fake.calls.count('SplitShard')).toBe(5)
    } finally {
      service.close()
    }
  })

  test('change their shards though answers are lost, and say what cannot be changed', async () => {
    await using connection = await openOnFake({ settleMs: 20 })
    const { driver, fake } = connection
    const { admin } = driver
    await admin.createTopic({ name: 'a', partitions: 3 })
    const lost = { kind: 'error', code: 'InternalFailureException', when: 'after' } as const
    fake.faults.add({ on: 'SplitShard', effect: lost })
    const children = await admin.splitPartition!('a', 'shardId-000000000000')
    expect(children).toEqual(['shardId-000000000003', 'shardId-000000000004'])
    fake.faults.add({ on: 'MergeShards', effect: lost })
    expect(await admin.mergePartitions!('a', [children[1]!, children[0]!])).toEqual(['shardId-000000000005'])
    await expect(admin.splitPartition!('a', 'shardId-000000000000')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/children.*shardId-000000000003/),
    })
    await expect(admin.splitPartition!('a', 'shardId-9')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(
      admin.mergePartitions!('a', ['shardId-000000000005', 'shardId-000000000002']),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/neighbours/) })
  })
})
