import { Aggregate, AggregateWriter } from '../../adapters/kinesis/records/index.ts'
import { kplPackage } from '../../test/adapters/kinesis/records/kpl-package.ts'
import { append, WireEncoder } from '../../test/adapters/kinesis/support/wire-encoder.ts'
import type { Task, Work } from '../harness/contender.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { atLeast } from './at-least.ts'

const AGGREGATE_BYTES = 51_200
const AGGREGATES = 96
/** An answer holds up to 200 of that size. */
const AT_ONCE = 32

/** Aggregates to records, checksums checked, every key and value taken out as bytes or, by aws-kinesis-agg, as text and base64. */
export async function open({ valueBytes, settings }: Task): Promise<Work> {
  const values = valuesOf(valueBytes)
  const encoder = new WireEncoder()
  const writer = new AggregateWriter()
  const blobs: Buffer[] = []
  for (let i = 0; blobs.length < AGGREGATES; i++) {
    const value = values[i % values.length]!
    const wire = encoder.encode({
      key: keyOf(value),
      value,
      headers: [],
      timestamp: undefined,
      partition: undefined,
    })
    if (append(writer, wire, AGGREGATE_BYTES)) continue
    blobs.push(writer.finish())
    append(writer, wire, AGGREGATE_BYTES)
  }
  const answers = Array.from({ length: AGGREGATES / AT_ONCE }, (_, i) =>
    blobs.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  )
  let size = 0
  /** Of so many at once, as an answer of GetRecords brings them. */
  const ours = (some: readonly Buffer[]): number => {
    let count = 0
    for (const aggregate of Aggregate.readAll(some)) {
      for (let i = 0; i < aggregate!.count; i++)
        size += aggregate!.key(i)!.length + aggregate!.value(i)!.length
      count += aggregate!.count
    }
    return count
  }
  const theirs = (some: readonly Buffer[]): number => {
    let count = 0
    for (const data of some) {
      kplPackage.deaggregateSync({ data, partitionKey: '', sequenceNumber: '' }, true, (error, records) => {
        if (error) throw error
        for (const record of records!) size += record.partitionKey.length + record.data.length
        count += records!.length
      })
    }
    return count
  }
  const read = settings.by === 'millrace' ? ours : theirs
  return {
    async round(wanted) {
      const records = atLeast(wanted)
      let seen = 0
      const round = await timed(records, () => {
        for (let i = 0; seen < records; i++) seen += read(answers[i % answers.length]!)
      })
      if (size < seen * valueBytes) throw new Error('too little was looked at')
      size = 0
      return { ...round, records: seen }
    },
    close: async () => {},
  }
}
