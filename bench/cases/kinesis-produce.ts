import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare PutRecords'

export const kinesisProduce: Case = {
  name: 'kinesis-produce',
  title: 'Kinesis: produce records alone',
  what: 'Calls of 1,000 records, 4 on their way, 16 shards, an endpoint that answers at once; no key comes again while it is on its way, but where 1,000 keys are named. Bare: full PutRecords requests by the SDK, 4 on their way.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 3, roundMs: 1_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const make = contenders(field, BARE)
    return [
      make(BARE, 'put-plain'),
      make('kinesis, strict', 'send', { distinct: true }),
      make('kinesis, strict, 16 calls', 'send', { distinct: true, calls: 16 }),
      make('kinesis, strict, 1,000 keys', 'send'),
      make('kinesis, relaxed', 'send', { distinct: true, options: 'order=relaxed' }),
    ]
  },
}
