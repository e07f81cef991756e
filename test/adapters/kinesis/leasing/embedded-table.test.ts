import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { EmbeddedTable } from '../../../../adapters/kinesis/leasing/tables/embedded-table.ts'
import type { LentTables } from '../../../../src/driver.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { leaseTableCases } from './support/lease-table-cases.ts'
import { openTables } from './support/lent-tables.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-leases-'))
const opened: Promise<LentTables>[] = []
afterAll(async () => {
  for (const tables of opened) await (await tables).close()
  fs.rmSync(folder, { recursive: true })
})

for (const address of ['memory:leases', `log:${folder}`]) {
  let tables: Promise<LentTables> | undefined
  leaseTableCases(address.split(':')[0]!, async () => {
    if (tables === undefined) opened.push((tables = openTables(address)))
    const name = uniqueName('group')
    return new EmbeddedTable(() => tables!, name, name)
  })
}
