import type { Case, Contender } from '../harness/contender.ts'
import { RATE } from '../harness/fixed-rate.ts'
import { KILL, NOTHING, POWER, SYSTEM } from './durability.ts'
import { VALUE_BYTES } from './shapes.ts'

export const latency: Case = {
  name: 'latency',
  title: `End to end at ${RATE.toLocaleString('en')} records/s`,
  what: 'One `send` a record at its due time, nothing awaited, producer and group in one process: from the due time until the `each` handler has the record.',
  unit: 'ms',
  pace: { rounds: 3, warmUps: 1, roundMs: 0 },
  shapes: VALUE_BYTES.map((valueBytes) => ({ valueBytes, batch: 1 })),
  contenders(shape, { log, memory, kafka }) {
    const all: Contender[] = []
    const module = 'millrace/latency'
    if (log) {
      all.push({ name: 'log', module, durability: KILL, settings: { backend: 'log' } })
      if (shape.valueBytes === 256) {
        const settings = { backend: 'log', fsync: 'batch' }
        all.push({ name: 'log, fsync=batch', module, durability: POWER, settings })
      }
    }
    if (memory) all.push({ name: 'memory', module, durability: NOTHING, settings: { backend: 'memory' } })
    if (kafka) {
      const settings = { broker: kafka, backend: 'kafka' }
      all.push({ name: 'kafka', module, durability: SYSTEM, settings })
      all.push({ name: 'kafkajs', module: 'kafkajs/latency', durability: SYSTEM, settings })
    }
    return all
  },
}
