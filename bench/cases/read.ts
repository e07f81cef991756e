import type { Case, Contender } from '../harness/contender.ts'
import { ALL_SHAPES, isTarget } from './shapes.ts'

/** The limit of all reading cases: bytes that are in memory already. */
export const BARE_DECODE: Contender = { name: 'bare decode', module: 'bare/decode', bare: true }

export const read: Case = {
  name: 'read',
  title: 'Read',
  what: '`streams.read` of a whole partition, written in batches of this size, looking at every key and value. Bare: the same bytes decoded from memory, CRCs checked.',
  unit: 'records/s',
  shapes: ALL_SHAPES,
  contenders(shape, { log, memory, peers }) {
    const reference = BARE_DECODE.name
    const millrace = (name: string, settings: Contender['settings']): Contender => ({
      name,
      module: 'millrace/read',
      reference,
      ...(settings && { settings }),
    })
    if (!log && !memory) return []
    const all = [BARE_DECODE]
    if (log) {
      all.push(millrace('log, read', { backend: 'log' }))
      if (isTarget(shape)) all.push(millrace('log, read, text keys', { backend: 'log', keys: 'text' }))
    }
    if (memory) all.push(millrace('memory, read', { backend: 'memory' }))
    // How rows were written makes no difference to them.
    if (log && peers && shape.batch === 1000) {
      all.push(
        { name: 'node:sqlite, WAL', module: 'sqlite/read', reference },
        { name: 'lmdb', module: 'lmdb/read', reference },
      )
    }
    return all
  },
}
