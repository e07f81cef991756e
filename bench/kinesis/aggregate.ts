import { AggregateWriter, RecordEncoder, sealAggregates } from '../../adapters/kinesis/records/index.ts'
import { kplPackage } from '../../test/adapters/kinesis/records/kpl-package.ts'
import type { Task, Work } from '../harness/contender.ts'
import { keyOf, TEXT_KEYS, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { atLeast } from './at-least.ts'

const AGGREGATE_BYTES = 51_200
const AT_ONCE = 32

/** Records to aggregates of at most 51,200 B, nothing sent. `by`: `writer` (keys encoded and hashed before), `encoder` (keys and all), `aws-kinesis-agg`. */
export async function open({ valueBytes, settings }: Task): Promise<Work> {
  const values = valuesOf(valueBytes)
  const keys = values.map(keyOf)
  let made = 0
  const unsealed: Buffer[] = []
  /** As a request of PutRecords holds them. */
  const finish = (writer: AggregateWriter, last: boolean): void => {
    unsealed.push(writer.finishUnsealed())
    if (unsealed.length < AT_ONCE && !last) return
    sealAggregates(unsealed)
    for (const each of unsealed.splice(0)) made += each.length
  }
  const work: Record<string, (records: number) => void> = {
    writer(records) {
      const encoder = new RecordEncoder()
      const wires = values.map((value, i) => encoder.encode({ ...BARE, key: keys[i]!, value }))
      const writer = new AggregateWriter()
      for (let i = 0; i < records; i++) {
        const wire = wires[i % wires.length]!
        if (writer.append(wire, AGGREGATE_BYTES)) continue
        finish(writer, false)
        writer.append(wire, AGGREGATE_BYTES)
      }
      finish(writer, true)
    },
    encoder(records) {
      const encoder = new RecordEncoder()
      const writer = new AggregateWriter()
      for (let i = 0; i < records; i++) {
        const at = i % values.length
        const wire = encoder.encode({ ...BARE, key: keys[at]!, value: values[at]! })
        if (writer.append(wire, AGGREGATE_BYTES)) continue
        finish(writer, false)
        writer.append(wire, AGGREGATE_BYTES)
      }
      finish(writer, true)
    },
    'aws-kinesis-agg'(records) {
      const aggregator = new kplPackage.RecordAggregator()
      let size = 0
      for (let i = 0; i < records; i++) {
        const at = i % values.length
        const bytes = values[at]!.length + TEXT_KEYS[at]!.length + 12
        if (size + bytes > AGGREGATE_BYTES) {
          made += aggregator.build().data.length
          size = 0
        }
        aggregator.addUserRecord({ partitionKey: TEXT_KEYS[at]!, data: values[at]! })
        size += bytes
      }
      made += aggregator.build().data.length
    },
  }
  const run = work[String(settings.by)]!
  return {
    async round(wanted) {
      const records = atLeast(wanted)
      const round = await timed(records, () => run(records))
      if (made < records * valueBytes) throw new Error('too little was made')
      made = 0
      return round
    },
    close: async () => {},
  }
}

const BARE = { headers: [], timestamp: undefined, partition: undefined }
