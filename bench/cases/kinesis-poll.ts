import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare GetRecords'

export const kinesisPoll: Case = {
  name: 'kinesis-poll',
  title: 'Kinesis: poll records that stand alone',
  what: '16 shards that never end, an endpoint that answers at once with as many as are asked for; every key and value is looked at. Bare: a loop of GetRecords a shard by the SDK, 10,000 a call.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 2, roundMs: 2_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const { classPath, dynamodb } = field.kinesis
    const make = contenders(field, BARE)
    return [
      make(BARE, 'poll-sdk'),
      make('kinesis, read', 'read'),
      ...(field.peers && classPath !== undefined && dynamodb !== undefined
        ? [make('KCL', 'java', { program: 'KclBench', classPath, dynamodb })]
        : []),
    ]
  },
}
