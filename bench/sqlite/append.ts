import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, keyOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { createTable, openDatabase } from './open-database.ts'

/** A transaction a batch. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const database = openDatabase(task)
  const batches = batchesOf(valuesOf(valueBytes), batch)
  return {
    async round(records) {
      database.exec('DROP TABLE records')
      createTable(database)
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      const insert = database.prepare('INSERT INTO records (key, value) VALUES (?, ?)')
      return timed(records, () => {
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          if (batch > 1) database.exec('BEGIN')
          for (const value of batches[n % batches.length]!) insert.run(keyOf(value), value)
          if (batch > 1) database.exec('COMMIT')
        }
      })
    },
    async close() {
      database.close()
    },
  }
}
