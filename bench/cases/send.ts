import type { Case, Contender } from '../harness/contender.ts'
import { KILL, NOTHING, SYSTEM } from './durability.ts'
import { VALUE_BYTES } from './shapes.ts'

const BARE_LOG = 'bare append of batches of 100'
const BARE_MEMORY = 'bare encode of batches of 100'

export const send: Case = {
  name: 'send',
  title: 'Single sends',
  what: '`send` of one value a call, 100 calls awaited at a time; they travel together. Bare: the same records in batches of 100.',
  unit: 'records/s',
  shapes: VALUE_BYTES.map((valueBytes) => ({ valueBytes, batch: 100 })),
  contenders(_shape, { log, memory, kafka }) {
    const all: Contender[] = []
    const module = 'millrace/send'
    if (log || kafka) all.push({ name: BARE_LOG, module: 'bare/append', bare: true, durability: SYSTEM })
    if (log) {
      const settings = { backend: 'log' }
      all.push({ name: 'log, send', module, reference: BARE_LOG, durability: KILL, settings })
    }
    if (memory) {
      const settings = { backend: 'memory' }
      all.push(
        { name: BARE_MEMORY, module: 'bare/append-memory', bare: true, durability: NOTHING },
        { name: 'memory, send', module, reference: BARE_MEMORY, durability: NOTHING, settings },
      )
    }
    if (kafka) {
      const settings = { broker: kafka }
      const ours = { ...settings, backend: 'kafka' }
      all.push({ name: 'kafka, send', module, reference: BARE_LOG, durability: SYSTEM, settings: ours })
      all.push({
        name: 'kafkajs, send',
        module: 'kafkajs/send',
        reference: BARE_LOG,
        durability: SYSTEM,
        settings,
      })
    }
    return all
  },
}
