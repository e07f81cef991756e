import type { Round, Task, Work } from '../harness/contender.ts'
import { recordsToRead, valuesOf } from '../harness/records.ts'
import { passes, timed } from '../harness/timed.ts'
import { EntryWriter, openStore } from './open-store.ts'

/** All entries in the order of their positions, looking at key and value. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const store = openStore({ ...task, settings: { sync: false } })
  const records = recordsToRead(valueBytes, batch)
  const values = valuesOf(valueBytes)
  const writer = new EntryWriter(valueBytes)
  store.transactionSync(() => {
    for (let i = 0; i < records; i++)
      store.putSync(i, writer.write(values[i % values.length]!), { append: true })
  })
  return {
    round: (wanted) => passes(wanted, pass),
    close: () => store.close(),
  }

  async function pass(): Promise<Round> {
    let size = 0
    const round = await timed(records, () => {
      for (const { value: entry } of store.getRange({})) {
        const keyLength = entry[0]!
        size += entry.subarray(1, 1 + keyLength).length + entry.subarray(1 + keyLength).length
      }
    })
    if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
