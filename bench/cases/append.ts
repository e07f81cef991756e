import type { Case, Contender } from '../harness/contender.ts'
import { KILL, NOTHING, SYSTEM } from './durability.ts'
import { ALL_SHAPES, isTarget } from './shapes.ts'

const BARE_LOG = 'bare append'
const BARE_LOG_KEYLESS = 'bare append, no keys'
const BARE_MEMORY = 'bare encode to memory'

export const append: Case = {
  name: 'append',
  title: 'Append',
  what: 'Batch after batch of byte values, each call awaited; one partition unless said otherwise. Bare: the same bytes encoded and written to one file.',
  unit: 'records/s',
  shapes: ALL_SHAPES,
  contenders(shape, { log, memory, peers, kafka }) {
    const more = isTarget(shape)
    const all: Contender[] = []
    if (log || kafka) all.push({ name: BARE_LOG, module: 'bare/append', bare: true, durability: SYSTEM })
    if (log) {
      all.push(millrace('log, sendBatch', 'log', BARE_LOG, { by: 'sendBatch' }))
      if (more) {
        all.push(
          {
            name: BARE_LOG_KEYLESS,
            module: 'bare/append',
            bare: true,
            durability: SYSTEM,
            settings: { keyed: false },
          },
          millrace('log, sendBatch, no keys', 'log', BARE_LOG_KEYLESS, { by: 'sendBatch without keys' }),
          millrace('log, sendRecords, text keys', 'log', BARE_LOG, { by: 'sendRecords' }),
          millrace('log, sendBatch, 6 partitions', 'log', BARE_LOG, { by: 'sendBatch', partitions: 6 }),
        )
      }
    }
    if (memory) {
      all.push(
        { name: BARE_MEMORY, module: 'bare/append-memory', bare: true, durability: NOTHING },
        millrace('memory, sendBatch', 'memory', BARE_MEMORY, { by: 'sendBatch' }),
      )
    }
    if (log && peers) all.push(...files())
    // Over the network the size of values tells little more.
    if (kafka && (shape.valueBytes === 256 || shape.batch === 1000)) {
      const settings = { broker: kafka }
      const ours = { ...settings, by: 'sendBatch', inFlight: 5 }
      all.push({ ...millrace('kafka, sendBatch', 'kafka', BARE_LOG, ours), durability: SYSTEM })
      all.push({
        name: 'kafkajs',
        module: 'kafkajs/append',
        reference: BARE_LOG,
        durability: SYSTEM,
        settings,
      })
    }
    return all
  },
}

function millrace(
  name: string,
  backend: string,
  reference: string,
  settings: Contender['settings'],
): Contender {
  const durability = backend === 'log' ? KILL : NOTHING
  return { name, module: 'millrace/append', reference, durability, settings: { backend, ...settings } }
}

function files(): Contender[] {
  const sqlite = { module: 'sqlite/append', reference: BARE_LOG }
  return [
    {
      ...sqlite,
      name: 'node:sqlite, WAL, synchronous=NORMAL',
      durability: 'kill -9; disk at each checkpoint of the WAL',
      settings: { synchronous: 'NORMAL' },
    },
    {
      ...sqlite,
      name: 'node:sqlite, WAL, synchronous=OFF',
      durability: SYSTEM,
      settings: { synchronous: 'OFF' },
    },
    {
      name: 'lmdb, noSync',
      module: 'lmdb/append',
      reference: BARE_LOG,
      durability: SYSTEM,
      settings: { sync: false },
    },
  ]
}
