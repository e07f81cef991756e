import {
  AggregateWriter,
  hashKeys,
  partitionKeyOf,
  sealAggregates,
} from '../../adapters/kinesis/records/index.ts'
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
      const all = keys.map(partitionKeyOf)
      hashKeys(all)
      const writer = new AggregateWriter()
      for (let i = 0; i < records; i++) {
        const at = i % values.length
        if (writer.append(all[at]!, values[at]!, null, AGGREGATE_BYTES)) continue
        finish(writer, false)
        writer.append(all[at]!, values[at]!, null, AGGREGATE_BYTES)
      }
      finish(writer, true)
    },
    encoder(records) {
      const writer = new AggregateWriter()
      for (let first = 0; first < records; first += values.length) {
        const all = keys.map(partitionKeyOf)
        hashKeys(all)
        for (let i = 0; i < all.length; i++) {
          if (writer.append(all[i]!, values[i]!, null, AGGREGATE_BYTES)) continue
          finish(writer, false)
          writer.append(all[i]!, values[i]!, null, AGGREGATE_BYTES)
        }
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
