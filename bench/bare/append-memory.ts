import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { boundOf, encode } from './record-batch.ts'

const CHUNK_BYTES = 1 << 20

/** The limit of appending in memory: encodes into fresh chunks that are kept. */
export async function open({ valueBytes, batch, settings }: Task): Promise<Work> {
  const keyed = settings.keyed !== false
  const batches = batchesOf(valuesOf(valueBytes), batch)
  const bound = boundOf(batch, valueBytes)
  const size = Math.max(CHUNK_BYTES, bound)
  return {
    round(records) {
      const chunks: Buffer[] = []
      return timed(records, () => {
        let chunk = Buffer.allocUnsafeSlow(size)
        let at = 0
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          if (at + bound > size) {
            chunks.push(chunk)
            chunk = Buffer.allocUnsafeSlow(size)
            at = 0
          }
          at = encode(chunk, at, batches[n % batches.length]!, keyed, i)
        }
        chunks.push(chunk)
      })
    },
    async close() {},
  }
}
