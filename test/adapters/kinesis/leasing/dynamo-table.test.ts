import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { DynamoService } from '../../../../adapters/kinesis/leasing/dynamodb/dynamo-service.ts'
import { DynamoTable } from '../../../../adapters/kinesis/leasing/dynamodb/dynamo-table.ts'
import { findLeaseTables } from '../../../../adapters/kinesis/leasing/dynamodb/find-lease-tables.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { dynamoAt, itemOf, putItem } from './support/dynamo.ts'
import { aLease, leaseTableCases } from './support/lease-table-cases.ts'

let service: DynamoService
beforeAll(async () => {
  service = dynamoAt(await sharedLocalstack())
}, 180_000)
afterAll(() => service?.close())

async function open(): Promise<DynamoTable> {
  const table = new DynamoTable(service, uniqueName('leases'))
  await table.prepare()
  return table
}

describe.runIf(inject('docker'))('in DynamoDB', () => leaseTableCases('DynamoDB', open))

describe.runIf(inject('docker'))('a lease table in DynamoDB', () => {
  it('is created once by many who want it at once, and paid by request', async () => {
    const name = uniqueName('leases')
    await Promise.all(Array.from({ length: 5 }, () => new DynamoTable(service, name).prepare()))
    const { Table } = await service.call(
      ({ DescribeTableCommand }) => new DescribeTableCommand({ TableName: name }),
    )
    expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST')
    expect(Table?.KeySchema).toEqual([{ AttributeName: 'leaseKey', KeyType: 'HASH' }])
  })

  it('writes rows as KCL does: the same names, types and sentinels', async () => {
    const table = await open()
    const lease = aLease({ parents: ['shardId-000000000001'], owner: 'w', counter: 7 })
    await table.create(lease)
    expect(await itemOf(service, table.name, lease.key)).toMatchObject({
      leaseKey: { S: 'shardId-000000000000' },
      entityType: { S: 'LEASE' },
      leaseOwner: { S: 'w' },
      leaseCounter: { N: '7' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      checkpoint: { S: 'TRIM_HORIZON' },
      checkpointSubSequenceNumber: { N: '0' },
      parentShardId: { SS: ['shardId-000000000001'] },
      startingHashKey: { S: '0' },
      endingHashKey: { S: '340282366920938463463374607431768211455' },
    })
    await table.update(
      lease,
      { counter: 7 },
      { counter: 8, checkpoint: { kind: 'after', sequence: '4964', sub: 2, arrival: 5 } },
    )
    expect(await itemOf(service, table.name, lease.key)).toMatchObject({
      leaseCounter: { N: '8' },
      checkpoint: { S: '4964' },
      checkpointSubSequenceNumber: { N: '2' },
    })
    await table.update(
      lease,
      { counter: 8 },
      { counter: 9, checkpoint: { kind: 'end' }, children: ['shardId-000000000002'] },
    )
    const ended = await itemOf(service, table.name, lease.key)
    expect(ended).toMatchObject({
      checkpoint: { S: 'SHARD_END' },
      childShardIds: { SS: ['shardId-000000000002'] },
    })
  })

  it('names streams in multi-stream rows as KCL does', async () => {
    const table = await open()
    const stream = '000000000000:orders:1700000000'
    const lease = aLease({ key: `${stream}:shardId-000000000000`, stream })
    await table.create(lease)
    const item = (await itemOf(service, table.name, lease.key))!
    expect(item).toMatchObject({ streamName: { S: stream }, shardId: { S: 'shardId-000000000000' } })
    // KCL writes no attribute of millrace's.
    for (const name of Object.keys(item)) if (name.startsWith('millrace.')) delete item[name]
    await putItem(service, table.name, item)
    expect(await table.get(lease.key)).toMatchObject({
      stream,
      shard: 'shardId-000000000000',
      group: undefined,
    })
  })

  it("reads KCL's rows, and passes over what is no lease", async () => {
    const table = await open()
    await putItem(service, table.name, {
      leaseKey: { S: 'shardId-000000000000' },
      leaseCounter: { N: '12' },
      leaseOwner: { S: 'kcl-worker' },
      ownerSwitchesSinceCheckpoint: { N: '1' },
      checkpoint: { S: '49640' },
      checkpointSubSequenceNumber: { N: '4' },
      pendingCheckpoint: { S: '49641' },
      pendingCheckpointSubSequenceNumber: { N: '0' },
      pendingCheckpointState: { B: Buffer.from('x') },
      parentShardId: { SS: ['shardId-000000000009'] },
    })
    await putItem(service, table.name, {
      leaseKey: { S: 'Leader' },
      entityType: { S: 'LEADER' },
      ownerName: { S: 'kcl-worker' },
      recordVersionNumber: { S: 'v' },
      leaseDuration: { S: '120000' },
    })
    await putItem(service, table.name, {
      leaseKey: { S: 'kcl-worker' },
      entityType: { S: 'WORKER_METRIC_STATS' },
    })
    const [lease, ...more] = await table.list({ consistent: true })
    expect(more).toEqual([])
    expect(lease).toMatchObject({
      owner: 'kcl-worker',
      counter: 12,
      stream: undefined,
      group: undefined,
      sessionMs: undefined,
      checkpoint: { kind: 'after', sequence: '49640', sub: 4, arrival: undefined },
    })
    await table.update(
      lease!,
      { counter: 12 },
      { counter: 13, checkpoint: { kind: 'after', sequence: '49641', sub: 0, arrival: 1 } },
    )
    const item = (await itemOf(service, table.name, lease!.key))!
    expect(Object.keys(item).filter((name) => name.startsWith('pending'))).toEqual([])
    // KCL goes on from there: what millrace knew of the old checkpoint is not mixed up with the new.
    await putItem(service, table.name, { ...item, checkpoint: { S: '49650' } })
    expect((await table.get(lease!.key))?.checkpoint).toEqual({
      kind: 'after',
      sequence: '49650',
      sub: 0,
      arrival: undefined,
    })
    await table.destroy()
    // Others' rows stay, and the table with them.
    expect(await itemOf(service, table.name, 'Leader')).toBeDefined()
    expect(await table.list({ consistent: true })).toEqual([])
  })

  it("does not take an earlier owner's session for KCL's", async () => {
    const table = await open()
    const lease = aLease()
    await table.create(lease)
    await table.update(lease, { counter: 0 }, { counter: 1, owner: 'ours', sessionMs: 600 })
    const item = (await itemOf(service, table.name, lease.key))!
    await putItem(service, table.name, { ...item, leaseOwner: { S: 'kcl' }, leaseCounter: { N: '2' } })
    expect((await table.get(lease.key))?.sessionMs).toBeUndefined()
  })

  it('rejects NOT_FOUND where there is no table', async () => {
    const table = new DynamoTable(service, uniqueName('none'))
    await expect(table.list()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(table.create(aLease())).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(table.update(aLease(), {}, { counter: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await table.destroy()
  })

  it('is found by its key and its leases', async () => {
    const table = await open()
    await table.create(aLease({ group: table.name }))
    const empty = await open()
    const elsewhere = await open()
    await elsewhere.create(aLease({ group: 'kept under another name' }))
    const kcl = await open()
    await putItem(service, kcl.name, {
      leaseKey: { S: 'shardId-000000000000' },
      leaseCounter: { N: '0' },
      checkpoint: { S: 'LATEST' },
    })
    const found = await findLeaseTables(service, undefined)
    expect(found).toContain(table.name)
    expect(found).toContain(kcl.name)
    expect(found).not.toContain(empty.name)
    expect(found).not.toContain(elsewhere.name)
    expect(await findLeaseTables(service, elsewhere.name)).toEqual(['kept under another name'])
  })
})
