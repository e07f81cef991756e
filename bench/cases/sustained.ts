import type { Case, Contender } from '../harness/contender.ts'
import { KILL, SYSTEM } from './durability.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare append, fdatasync each second'

export const sustained: Case = {
  name: 'sustained',
  title: 'Append, long enough for the disk to take part',
  what: 'As append, in rounds of three seconds: what is synced each second is written meanwhile.',
  unit: 'records/s',
  shapes: [TARGET],
  pace: { rounds: 3, warmUps: 2, roundMs: 3_000 },
  contenders(_shape, { log, peers }) {
    if (!log) return []
    const contender = (
      name: string,
      module: string,
      durability: string,
      settings: Contender['settings'] = {},
    ): Contender => ({ name, module, durability, settings, reference: BARE })
    const all: Contender[] = [
      { name: BARE, module: 'bare/append', bare: true, durability: KILL, settings: { fsync: 'interval' } },
      contender('log, sendBatch', 'millrace/append', KILL, { backend: 'log' }),
      contender('log, fsync=never, sendBatch', 'millrace/append', SYSTEM, { backend: 'log', fsync: 'never' }),
    ]
    if (!peers) return all
    return [
      ...all,
      contender('node:sqlite, WAL, synchronous=NORMAL', 'sqlite/append', 'kill -9; disk at each checkpoint', {
        synchronous: 'NORMAL',
      }),
      contender('lmdb, noSync', 'lmdb/append', SYSTEM, { sync: false }),
    ]
  },
}
