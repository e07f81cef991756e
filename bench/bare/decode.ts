import type { Round, Task, Work } from '../harness/contender.ts'
import { batchesOf, recordsToRead, valuesOf } from '../harness/records.ts'
import { passes, timed } from '../harness/timed.ts'
import { boundOf, decode, encode } from './record-batch.ts'

/** The limit of reading: decodes bytes that are in memory already, and looks at each key and value. */
export async function open({ valueBytes, batch }: Task): Promise<Work> {
  const records = recordsToRead(valueBytes, batch)
  const batches = batchesOf(valuesOf(valueBytes), batch)
  const bytes = Buffer.allocUnsafeSlow((records / batch) * boundOf(batch, valueBytes))
  let end = 0
  for (let i = 0, n = 0; i < records; i += batch, n++) {
    end = encode(bytes, end, batches[n % batches.length]!, true, i)
  }
  return {
    round: (wanted) => passes(wanted, pass),
    async close() {},
  }

  async function pass(): Promise<Round> {
    let size = 0
    const round = await timed(records, () => {
      decode(bytes, 0, end, (key, value) => {
        size += key!.length + value.length
      })
    })
    if (size < records * valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
