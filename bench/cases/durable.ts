import type { Case, Contender } from '../harness/contender.ts'
import { POWER } from './durability.ts'
import { BATCHES } from './shapes.ts'

const BARE = 'bare append and fdatasync'

export const durable: Case = {
  name: 'durable',
  title: 'Append, on the disk before it is acknowledged',
  what: 'As append, and each batch is on the disk when its call resolves; nothing else is in flight meanwhile.',
  unit: 'records/s',
  shapes: BATCHES.map((batch) => ({ valueBytes: 256, batch })),
  contenders(_shape, { log, peers }) {
    if (!log) return []
    const contender = (name: string, module: string, settings: Contender['settings'] = {}): Contender => ({
      name,
      module,
      settings,
      durability: POWER,
      reference: BARE,
    })
    const all: Contender[] = [
      { name: BARE, module: 'bare/append', bare: true, durability: POWER, settings: { fsync: true } },
      contender('log, fsync=batch, sendBatch', 'millrace/append', { backend: 'log', fsync: 'batch' }),
    ]
    if (!peers) return all
    return [
      ...all,
      contender('node:sqlite, WAL, synchronous=FULL', 'sqlite/append', { synchronous: 'FULL' }),
      contender('lmdb', 'lmdb/append', { sync: true }),
    ]
  },
}
