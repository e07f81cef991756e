import type { Case } from '../harness/contender.ts'
import { contenders, PARTITIONS } from './kafka-contender.ts'
import { VALUE_BYTES } from './shapes.ts'

const BARE = 'bare Fetch'

export const kafkaConsume: Case = {
  name: 'kafka-consume',
  title: 'Kafka: consume',
  what: 'A new group of one member over the same batches of 1,000 in 6 partitions, from its assignment until its handler has looked at every key and value; `each` and its like: one call a record. Bare: Fetch of one partition a request, decoded, CRCs checked.',
  unit: 'records/s',
  pace: { rounds: 3, warmUps: 1, roundMs: 0 },
  shapes: VALUE_BYTES.map((valueBytes) => ({ valueBytes, batch: 1_000 })),
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field, BARE)
    return [
      make(BARE, 'bare/kafka-consume'),
      make('kafka, batch handler', 'millrace/batch'),
      make('kafka, each', 'millrace/each'),
      make('kafka direct, batch handler', 'millrace/batch', { driver: 'direct' }),
      make('kafka direct, each', 'millrace/each', { driver: 'direct' }),
      ...(field.peers
        ? [
            make('kafkajs, eachBatch', 'kafkajs/consume', { by: 'eachBatch' }),
            make('kafkajs, eachMessage', 'kafkajs/consume', { by: 'eachMessage', concurrently: PARTITIONS }),
            make('@platformatic/kafka, data events', 'platformatic/consume', { by: 'data' }),
            make('@platformatic/kafka, for await', 'platformatic/consume', { by: 'for await' }),
            make("Apache's ConsumerPerformance", 'apache/consume'),
          ]
        : []),
    ]
  },
}
