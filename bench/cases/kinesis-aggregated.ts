import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare PutRecords of ready aggregates'

export const kinesisAggregated: Case = {
  name: 'kinesis-aggregated',
  title: 'Kinesis: produce in aggregates',
  what: 'As kinesis-produce with 1,000 keys, in aggregates of at most 51,200 B. Bare: the SDK sends one ready blob of that size again and again, 100 a request, 4 on their way.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 3, roundMs: 3_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const { classPath, tlsPort } = field.kinesis
    const make = contenders(field, BARE, { aggregated: true })
    return [
      make(BARE, 'put-blobs'),
      make('kinesis, aggregate', 'send', { options: 'aggregate=true', calls: 64 }),
      ...(field.peers ? [make('aws-kinesis-agg and the SDK', 'put-kpl-package')] : []),
      ...(field.peers && classPath !== undefined
        ? [make('KPL', 'java', { program: 'KplBench', classPath, tlsPort })]
        : []),
    ]
  },
}
