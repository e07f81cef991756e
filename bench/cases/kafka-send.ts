import type { Case } from '../harness/contender.ts'
import { contenders } from './kafka-contender.ts'

export const kafkaSend: Case = {
  name: 'kafka-send',
  title: 'Kafka: single sends',
  what: '`send` of one keyed record a call, 100 calls awaited at a time, acks of all replicas, 6 partitions, one broker.',
  unit: 'records/s',
  pace: { rounds: 3, warmUps: 2, roundMs: 300 },
  shapes: [{ valueBytes: 256, batch: 100 }],
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field)
    return [
      make('kafka, send', 'millrace/send'),
      make('kafka direct, send', 'millrace/send', { driver: 'direct' }),
      ...(field.peers
        ? [
            make('kafkajs, send', 'kafkajs/send'),
            make('@platformatic/kafka, send', 'platformatic/produce', { single: true, inFlight: 1 }),
          ]
        : []),
    ]
  },
}
