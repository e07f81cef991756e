import type { Case, Contender } from '../harness/contender.ts'
import { BARE_DECODE } from './read.ts'
import { ALL_SHAPES, isTarget } from './shapes.ts'

export const batch: Case = {
  name: 'batch',
  title: 'Group, batch handler',
  what: 'A new group whose `batch` handler looks at every key and value, from the making of the consumer to the last record. Checkpoints each second.',
  unit: 'records/s',
  shapes: ALL_SHAPES,
  contenders(shape, { log, memory, kafka }) {
    const reference = BARE_DECODE.name
    const all = [BARE_DECODE]
    for (const backend of [...(log ? ['log'] : []), ...(memory ? ['memory'] : [])]) {
      const millrace = (name: string, module: string, settings: Contender['settings'] = {}): Contender => ({
        name: `${backend}, ${name}`,
        module: `millrace/${module}`,
        reference,
        settings: { backend, ...settings },
      })
      all.push(millrace('read', 'read'), millrace('batch handler', 'batch'))
      if (isTarget(shape)) all.push(millrace('batch handler, text keys', 'batch', { keys: 'text' }))
    }
    if (kafka && shape.batch === 1000) {
      const settings = { broker: kafka, backend: 'kafka', by: 'eachBatch' }
      all.push({ name: 'kafka, batch handler', module: 'millrace/batch', reference, settings })
      all.push({ name: 'kafkajs, eachBatch', module: 'kafkajs/consume', reference, settings })
    }
    return all.length === 1 ? [] : all
  },
}
