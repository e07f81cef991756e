import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { EntryWriter, openStore } from './open-store.ts'

/** A synchronous transaction a batch. */
export async function open(task: Task): Promise<Work> {
  const { valueBytes, batch } = task
  const store = openStore(task)
  const batches = batchesOf(valuesOf(valueBytes), batch)
  const writer = new EntryWriter(valueBytes)
  return {
    async round(records) {
      store.clearSync()
      return timed(records, () => {
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          const values = batches[n % batches.length]!
          store.transactionSync(() => {
            for (let j = 0; j < batch; j++) store.putSync(i + j, writer.write(values[j]!), { append: true })
          })
        }
      })
    },
    close: () => store.close(),
  }
}
