import type { Case } from '../harness/contender.ts'
import { contenders } from './kafka-contender.ts'
import { VALUE_BYTES } from './shapes.ts'

const BARE = 'bare Produce'

export const kafkaProduce: Case = {
  name: 'kafka-produce',
  title: 'Kafka: produce batches',
  what: 'Calls of 1,000 keyed records, 5 on their way, acks of all replicas, 6 partitions, one broker. Bare: ready-made requests of one batch each, on one connection.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 2, roundMs: 500 },
  shapes: VALUE_BYTES.map((valueBytes) => ({ valueBytes, batch: 1_000 })),
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field, BARE)
    return [
      make(BARE, 'bare/kafka-produce'),
      make('kafka, sendBatch', 'millrace/append', { by: 'sendBatch' }),
      make('kafka direct, sendBatch', 'millrace/append', { by: 'sendBatch', driver: 'direct' }),
      ...(field.peers
        ? [
            make('kafkajs', 'kafkajs/append'),
            make('@platformatic/kafka', 'platformatic/produce'),
            make("Apache's ProducerPerformance", 'apache/produce'),
          ]
        : []),
    ]
  },
}
