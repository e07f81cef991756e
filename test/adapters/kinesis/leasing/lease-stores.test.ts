import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../../adapters/kinesis/index.ts'
import { leaseStores } from '../../../../adapters/kinesis/leasing/lease-stores.ts'
import { aLease } from './support/lease-table-cases.ts'
import { openTables } from './support/lent-tables.ts'

const storesOf = (parameters: string, open: typeof openTables | undefined = openTables) =>
  leaseStores({
    address: parseAddress(`kinesis://us-east-1?${parameters}`),
    connection: {},
    openTables: open,
  })

describe('where leases are kept', () => {
  it('is a table named by the group, which DynamoDB must be able to have', async () => {
    const stores = storesOf('')
    expect(stores.table('orders').name).toBe('orders')
    expect(() => stores.table('ab')).toThrow(/3 characters/)
    await stores.close()
  })

  it('is the table that the address names', async () => {
    const stores = storesOf('leases=shared-table')
    expect(stores.table('ab').name).toBe('shared-table')
    await stores.close()
  })

  it('is a log or memory where the address says so; regions and endpoints in one are told apart', async () => {
    const kept = await openTables('memory:stores')
    const here = storesOf('leases=memory:stores&endpoint=http://127.0.0.1:1')
    const there = storesOf('leases=memory:stores&endpoint=http://127.0.0.1:2')
    await here.table('g').create(aLease())
    expect(await here.listGroups()).toEqual(['g'])
    expect(await there.listGroups()).toEqual([])
    expect(await there.table('g').list()).toEqual([])
    await here.close()
    await there.close()
    await kept.close()
  })

  it('asks for nothing before it is used', async () => {
    const stores = storesOf('leases=log:/nowhere/at/all')
    await stores.close()
    await stores.close()
    await expect(stores.listGroups()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
