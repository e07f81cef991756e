import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare PutRecords'

export const kinesisProduce: Case = {
  name: 'kinesis-produce',
  title: 'Kinesis: produce records alone',
  what: 'Calls of 1,000 records of 1,000 keys, 4 on their way, 16 shards, an endpoint that answers at once. Bare: full PutRecords requests by the SDK, 4 on their way.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 3, roundMs: 1_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const make = contenders(field, BARE)
    return [
      make(BARE, 'put-plain'),
      make('kinesis, strict', 'send'),
      make('kinesis, strict, 16 calls', 'send', { calls: 16 }),
      make('kinesis, relaxed', 'send', { options: 'order=relaxed' }),
    ]
  },
}
