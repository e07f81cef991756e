import { StreamError } from '../../../../src/driver.ts'
import { retrying } from '../../service/retrying.ts'
import { inParallel } from '../in-parallel.ts'
import type { Lease } from '../lease.ts'
import type { DynamoService } from './dynamo-service.ts'
import { DynamoTable } from './dynamo-table.ts'

const WIDTH = 8
const PATIENCE_MS = 20_000

/**
 * The groups whose leases are in this account and region: tables with KCL's key and at least one lease. There is no index of them, so every table is asked
 * for its key (one DescribeTable each). `only`: the one table to look at.
 */
export async function findLeaseTables(service: DynamoService, only: string | undefined): Promise<string[]> {
  const names = only === undefined ? await tableNames(service) : [only]
  const groups = await inParallel(names, WIDTH, async (name) => {
    const leases = await unlessMissing(() => leasesOf(service, name))
    if (leases === undefined || leases.length === 0) return []
    const group = leases.find((lease) => lease.group !== undefined)?.group ?? name
    // Another address would be needed for one that is kept in a table of another name.
    return only === undefined && group !== name ? [] : [group]
  })
  return groups.flat().sort()
}

async function leasesOf(service: DynamoService, name: string): Promise<Lease[]> {
  const { Table } = await patiently(() =>
    service.call(({ DescribeTableCommand }) => new DescribeTableCommand({ TableName: name })),
  )
  const [key, ...more] = Table?.KeySchema ?? []
  if (key?.AttributeName !== 'leaseKey' || more.length > 0 || Table?.TableStatus === 'DELETING') return []
  return patiently(() => new DynamoTable(service, name).list())
}

async function tableNames(service: DynamoService): Promise<string[]> {
  const names: string[] = []
  let last: string | undefined
  do {
    const { TableNames = [], LastEvaluatedTableName } = await patiently(() =>
      service.call(
        ({ ListTablesCommand }) =>
          new ListTablesCommand(last === undefined ? {} : { ExclusiveStartTableName: last }),
      ),
    )
    names.push(...TableNames)
    last = LastEvaluatedTableName
  } while (last !== undefined)
  return names
}

/** A table may be deleted while it is looked at. */
async function unlessMissing<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof StreamError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

const patiently = <T>(attempt: () => Promise<T>): Promise<T> =>
  retrying(attempt, { deadline: performance.now() + PATIENCE_MS })
