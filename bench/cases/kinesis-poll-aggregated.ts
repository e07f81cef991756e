import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'GetRecords, aggregates left as they are'

export const kinesisPollAggregated: Case = {
  name: 'kinesis-poll-aggregated',
  title: 'Kinesis: poll aggregates',
  what: 'As kinesis-poll, in aggregates of 51,200 B, taken apart with checksums checked. Bare: they are not taken apart, and their records counted.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 2, roundMs: 2_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const { classPath, dynamodb } = field.kinesis
    const make = contenders(field, BARE, { aggregated: true })
    return [
      make(BARE, 'poll-sdk'),
      make('kinesis, read', 'read'),
      ...(field.peers ? [make('the SDK and aws-kinesis-agg', 'poll-sdk', { deaggregate: true })] : []),
      ...(field.peers && classPath !== undefined && dynamodb !== undefined
        ? [make('KCL', 'java', { program: 'KclBench', classPath, dynamodb })]
        : []),
    ]
  },
}
