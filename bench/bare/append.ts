import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { boundOf, encode } from './record-batch.ts'

const fdatasync = promisify(fs.fdatasync)
const SYNC_MS = 1_000

/**
 * The limit of appending: encodes into one buffer, writes it to one file. `fsync: true`: and waits for the disk after each;
 * `fsync: 'interval'`: and puts it on the disk each second meanwhile.
 */
export async function open({ folder, valueBytes, batch, settings }: Task): Promise<Work> {
  const keyed = settings.keyed !== false
  const batches = batchesOf(valuesOf(valueBytes), batch)
  const buffer = Buffer.allocUnsafe(boundOf(batch, valueBytes))
  const file = path.join(folder, 'segment.log')
  return {
    async round(records) {
      const fd = fs.openSync(file, 'w')
      let syncing: Promise<void> | undefined
      let syncAt = performance.now() + SYNC_MS
      const round = await timed(records, () => {
        for (let i = 0, n = 0; i < records; i += batch, n++) {
          const end = encode(buffer, 0, batches[n % batches.length]!, keyed, i)
          fs.writeSync(fd, buffer, 0, end)
          if (settings.fsync === true) fs.fdatasyncSync(fd)
          else if (settings.fsync === 'interval' && performance.now() >= syncAt) {
            syncAt += SYNC_MS
            syncing = fdatasync(fd)
          }
        }
      })
      await syncing
      fs.closeSync(fd)
      return round
    },
    async close() {},
  }
}
