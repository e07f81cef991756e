import { Aggregate, AggregateWriter, RecordEncoder } from '../../adapters/kinesis/records/index.ts'
import { kplPackage } from '../../test/adapters/kinesis/records/kpl-package.ts'
import type { Task, Work } from '../harness/contender.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'

const AGGREGATE_BYTES = 51_200
const AGGREGATES = 100

/** Aggregates to records, checksums checked, every key and value taken out as bytes or, by aws-kinesis-agg, as text and base64. */
export async function open({ valueBytes, settings }: Task): Promise<Work> {
  const values = valuesOf(valueBytes)
  const encoder = new RecordEncoder()
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
    if (writer.append(wire, AGGREGATE_BYTES)) continue
    blobs.push(writer.finish())
    writer.append(wire, AGGREGATE_BYTES)
  }
  let size = 0
  const ours = (blob: Buffer): number => {
    const aggregate = Aggregate.read(blob)!
    for (let i = 0; i < aggregate.count; i++) size += aggregate.key(i)!.length + aggregate.value(i)!.length
    return aggregate.count
  }
  const theirs = (data: Buffer): number => {
    let count = 0
    kplPackage.deaggregateSync({ data, partitionKey: '', sequenceNumber: '' }, true, (error, records) => {
      if (error) throw error
      for (const record of records!) size += record.partitionKey.length + record.data.length
      count = records!.length
    })
    return count
  }
  const read = settings.by === 'millrace' ? ours : theirs
  return {
    async round(records) {
      let seen = 0
      const round = await timed(records, () => {
        for (let i = 0; seen < records; i++) seen += read(blobs[i % blobs.length]!)
      })
      if (size < seen * valueBytes) throw new Error('too little was looked at')
      size = 0
      return { ...round, records: seen }
    },
    close: async () => {},
  }
}
