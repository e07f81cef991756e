import type { Round, Task, Work } from '../harness/contender.ts'
import { keyOf, recordsToRead, valuesOf } from '../harness/records.ts'
import { passes, timed } from '../harness/timed.ts'
import { openDatabase } from './open-database.ts'

/** All rows in the order of their positions, looking at key and value. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const database = openDatabase(task)
  const records = recordsToRead(valueBytes, batch)
  const values = valuesOf(valueBytes)
  const insert = database.prepare('INSERT INTO records (key, value) VALUES (?, ?)')
  database.exec('BEGIN')
  for (let i = 0; i < records; i++) {
    const value = values[i % values.length]!
    insert.run(keyOf(value), value)
  }
  database.exec('COMMIT')
  const select = database.prepare('SELECT key, value FROM records ORDER BY position')
  return {
    round: (wanted) => passes(wanted, pass),
    async close() {
      database.close()
    },
  }

  async function pass(): Promise<Round> {
    let size = 0
    const round = await timed(records, () => {
      for (const row of select.iterate())
        size += (row.key as Uint8Array).length + (row.value as Uint8Array).length
    })
    if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
