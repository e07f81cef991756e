import type { Case } from '../harness/contender.ts'
import { contenders } from './kafka-contender.ts'

/** Of values of 100 KiB ten are as much as fits in one batch of the default size. */
const SHAPES = [
  { valueBytes: 100, batch: 1_000 },
  { valueBytes: 1_024, batch: 1_000 },
  { valueBytes: 10 * 1_024, batch: 100 },
  { valueBytes: 100 * 1_024, batch: 9 },
]

export const kafkaSizes: Case = {
  name: 'kafka-sizes',
  title: 'Kafka: how the rate moves with the size of records',
  what: 'Keyed records of 100 B to 100 KiB, 5 calls on their way, on a topic whose partitions have been written before, and a new group with a batch handler over batches of as many, 6 partitions, by driver=direct.',
  unit: 'records/s',
  pace: { rounds: 3, warmUps: 3, roundMs: 500 },
  shapes: SHAPES,
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field)
    return [
      make('produce', 'millrace/append', { driver: 'direct', by: 'sendBatch', steady: true }),
      make('consume', 'millrace/batch', { driver: 'direct' }),
    ]
  },
}
