import type { Case } from '../harness/contender.ts'
import { contenders } from './kinesis-contender.ts'
import { TARGET } from './shapes.ts'

const BARE = 'bare SubscribeToShard'

export const kinesisFanOut: Case = {
  name: 'kinesis-fan-out',
  title: 'Kinesis: enhanced fan-out',
  what: 'As kinesis-poll, by a subscription a shard over HTTP/1.1, events of about 1 MiB. Bare: the events as the SDK gives them.',
  unit: 'records/s',
  pace: { rounds: 5, warmUps: 2, roundMs: 2_000 },
  shapes: [TARGET],
  contenders(_shape, field) {
    if (!field.kinesis) return []
    const make = contenders(field, BARE)
    return [make(BARE, 'subscribe-sdk'), make('kinesis, read', 'read', { options: 'fanout=bench' })]
  },
}
