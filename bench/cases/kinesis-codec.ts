import type { Case } from '../harness/contender.ts'

/** The shapes that the targets are set for. */
const SHAPES = [100, 256].map((valueBytes) => ({ valueBytes, batch: 1_000 }))
const PEER = 'aws-kinesis-agg'

export const aggregating: Case = {
  name: 'kinesis-aggregate',
  title: 'Kinesis: aggregating alone',
  what: 'Records to aggregates of at most 51,200 B in memory, MD5 included, 32 of them at a time; 1,000 keys. `of bare` is over aws-kinesis-agg here.',
  unit: 'records/s',
  pace: { rounds: 7, warmUps: 3, roundMs: 500 },
  shapes: SHAPES,
  contenders(_shape, { kinesis, peers }) {
    if (!kinesis || !peers) return []
    const ours = { module: 'kinesis/aggregate', reference: PEER }
    return [
      { name: PEER, module: 'kinesis/aggregate', settings: { by: 'aws-kinesis-agg' } },
      { ...ours, name: 'kinesis, the aggregate alone', settings: { by: 'writer' } },
      { ...ours, name: 'kinesis, keys hashed for routing too', settings: { by: 'encoder' } },
    ]
  },
}

export const deaggregating: Case = {
  name: 'kinesis-deaggregate',
  title: 'Kinesis: deaggregating alone',
  what: 'Aggregates of 51,200 B in memory to records, 32 of them at a time, MD5 checked, every key and value taken out. `of bare` is over aws-kinesis-agg here.',
  unit: 'records/s',
  pace: { rounds: 7, warmUps: 3, roundMs: 500 },
  shapes: SHAPES,
  contenders(_shape, { kinesis, peers }) {
    if (!kinesis || !peers) return []
    return [
      { name: PEER, module: 'kinesis/deaggregate', settings: { by: 'aws-kinesis-agg' } },
      { name: 'kinesis', module: 'kinesis/deaggregate', reference: PEER, settings: { by: 'millrace' } },
    ]
  },
}
