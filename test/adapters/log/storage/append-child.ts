// Appends to the log in argv[2] until it is killed, and writes a line for each batch that is acknowledged.
import fs from 'node:fs'
import { FileStore } from '../../../../adapters/log/storage/file-store.ts'
import { PartitionLog } from '../../../../adapters/log/storage/partition-log.ts'
import { encodeBatch } from '../../../../src/formats/record-batch/index.ts'
import { stderrLogger } from '../../../../src/logger.ts'

const [folder, fsync] = process.argv.slice(2) as [string, 'batch' | 'never']
const log = await PartitionLog.open(new FileStore(folder), 'orders-0', {
  logger: stderrLogger,
  fsync,
  segmentBytes: 100_000,
})
const filler = 'x'.repeat(3000)
for (;;) {
  const at = log.endOffset
  const records = Array.from({ length: 1 + (at % 5) }, (_, i) => ({
    key: null,
    value: Buffer.from(`${at + i} ${filler}`),
    headers: [],
    timestamp: undefined,
    partition: undefined,
  }))
  const { baseOffset } = log.append(encodeBatch(records, undefined, 0, records.length, { timestamp: 1 }))
  await log.durable()
  fs.writeSync(1, `${baseOffset + records.length}\n`)
  await new Promise(setImmediate)
}
