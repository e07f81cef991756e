import { openLog } from '../../../../../adapters/log/index.ts'
import { openMemory } from '../../../../../adapters/memory/index.ts'
import type { LentTables } from '../../../../../src/driver.ts'
import { quiet } from '../../../../conformance/connection.ts'

/** What `connect` gives to an adapter. */
export async function openTables(address: string): Promise<LentTables> {
  const open = address.startsWith('memory:') ? openMemory : openLog
  const driver = await open(address, { logger: quiet })
  const tables = driver.tables!
  return {
    listTables: () => tables.listTables(),
    readRows: (table) => tables.readRows(table),
    readRow: (table, key) => tables.readRow(table, key),
    writeRow: (write) => tables.writeRow(write),
    close: () => driver.close(),
  }
}
