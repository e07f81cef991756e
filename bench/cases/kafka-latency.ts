import type { Case } from '../harness/contender.ts'
import { RATE } from '../harness/fixed-rate.ts'
import { contenders } from './kafka-contender.ts'

export const kafkaLatency: Case = {
  name: 'kafka-latency',
  title: `Kafka: end to end at ${RATE.toLocaleString('en')} records/s`,
  what: "One `send` a record at its due time, nothing awaited, producer and group in one process, 6 partitions: from the due time until the handler has the record. To the ack: the producer alone, until the record is acknowledged; Apache's tool knows nothing else.",
  unit: 'ms',
  pace: { rounds: 3, warmUps: 1, roundMs: 0 },
  shapes: [{ valueBytes: 256, batch: 1 }],
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field)
    return [
      make('kafka', 'millrace/latency'),
      make('kafka direct', 'millrace/latency', { driver: 'direct' }),
      make('kafka, to the ack', 'millrace/latency', { to: 'ack' }),
      make('kafka direct, to the ack', 'millrace/latency', { driver: 'direct', to: 'ack' }),
      ...(field.peers
        ? [
            make('kafkajs', 'kafkajs/latency'),
            make('@platformatic/kafka', 'platformatic/latency'),
            make("Apache's ProducerPerformance, to the ack", 'apache/produce', { rate: RATE }),
          ]
        : []),
    ]
  },
}
