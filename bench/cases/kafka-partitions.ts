import type { Case } from '../harness/contender.ts'
import { contenders } from './kafka-contender.ts'

const COUNTS = [1, 6, 60, 600]
/** With so many somebody else is beside it. */
const PEERS = [60, 600]

export const kafkaPartitions: Case = {
  name: 'kafka-partitions',
  title: 'Kafka: how the rate moves with partitions',
  what: 'Calls of 1,000 keyed records, 5 on their way, on a topic whose partitions have been written before, and a new group with a batch handler over batches of 1,000, from its assignment on, opening all partitions included; 1 to 600 partitions, by driver=direct.',
  unit: 'records/s',
  pace: { rounds: 3, warmUps: 3, roundMs: 500 },
  shapes: [{ valueBytes: 256, batch: 1_000 }],
  contenders(_shape, field) {
    if (!field.kafka) return []
    const make = contenders(field)
    return COUNTS.flatMap((partitions) => {
      const settings = { driver: 'direct', partitions }
      const peers = field.peers && PEERS.includes(partitions)
      const steady = true
      return [
        make(`produce, ${partitions}`, 'millrace/append', { ...settings, by: 'sendBatch', steady }),
        ...(peers
          ? [
              make(`@platformatic/kafka, produce, ${partitions}`, 'platformatic/produce', {
                partitions,
                steady,
              }),
            ]
          : []),
        make(`consume, ${partitions}`, 'millrace/batch', settings),
        ...(peers
          ? [make(`Apache's ConsumerPerformance, ${partitions}`, 'apache/consume', { partitions })]
          : []),
      ]
    })
  },
}
