import type { Case } from '../harness/contender.ts'
import { contenders } from './kafka-contender.ts'

const COUNTS = [1, 6, 60, 600]

export const kafkaPartitions: Case = {
  name: 'kafka-partitions',
  title: 'Kafka: how the rate moves with partitions',
  what: 'Calls of 1,000 keyed records, 5 on their way, and a new group with a batch handler over batches of 1,000, as in the cases before; topics of 1 to 600 partitions, by driver=direct.',
  unit: 'records/s',
  pace: { rounds: 3, warmUps: 1, roundMs: 500 },
  shapes: [{ valueBytes: 256, batch: 1_000 }],
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field)
    return COUNTS.flatMap((partitions) => {
      const settings = { driver: 'direct', partitions }
      return [
        make(`produce, ${partitions}`, 'millrace/append', { ...settings, by: 'sendBatch' }),
        make(`consume, ${partitions}`, 'millrace/batch', settings),
      ]
    })
  },
}
