import type { Case, Contender } from '../harness/contender.ts'
import { BARE_DECODE } from './read.ts'
import { ALL_SHAPES, isTarget } from './shapes.ts'

export const each: Case = {
  name: 'each',
  title: 'Group, each handler, 16 lanes',
  what: 'A new group whose async `each` handler looks at key and value; up to 16 keys at once, records of one key one after another.',
  unit: 'records/s',
  shapes: ALL_SHAPES,
  contenders(shape, { log, memory, kafka }) {
    const reference = BARE_DECODE.name
    const all = [BARE_DECODE]
    for (const backend of [...(log ? ['log'] : []), ...(memory ? ['memory'] : [])]) {
      const millrace = (name: string, settings: Contender['settings'] = {}): Contender => ({
        name: `${backend}, ${name}`,
        module: 'millrace/each',
        reference,
        settings: { backend, ...settings },
      })
      all.push(millrace('each'))
      if (isTarget(shape)) {
        all.push(
          millrace('each, text keys', { keys: 'text' }),
          millrace('each, handler not async', { handler: 'sync' }),
          millrace('each, 6 partitions', { partitions: 6 }),
        )
      }
    }
    if (kafka && shape.batch === 1000) {
      const settings = { broker: kafka, backend: 'kafka', by: 'eachMessage' }
      all.push({ name: 'kafka, each', module: 'millrace/each', reference, settings })
      all.push({ name: 'kafkajs, eachMessage', module: 'kafkajs/consume', reference, settings })
    }
    return all.length === 1 ? [] : all
  },
}
