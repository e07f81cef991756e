import { userRecordsOf } from '../../../../adapters/kinesis/records/index.ts'
import type { KinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'

/** A record as readers find it. */
export interface Written {
  readonly partition: string
  readonly position: string
  readonly key: string | null
  readonly value: string
  /** Of how many in its record of the service; 1 for one alone. */
  readonly together: number
}

/** All that readers would be given of a stream, parents before children: what lies in an aggregate in the wrong shard is left out. */
export function writtenTo(fake: KinesisFake, stream: string): Written[] {
  return fake.stream(stream).shards.flatMap((shard) =>
    shard.records().flatMap(({ wire }) => {
      const found = userRecordsOf(wire.PartitionKey, Buffer.from(wire.Data, 'base64'))
      return Array.from({ length: found.count }, (_, sub) => sub)
        .filter((sub) => {
          const hashKey = found.hashKey(sub)
          return !found.aggregated || (hashKey >= shard.range.start && hashKey <= shard.range.end)
        })
        .map((sub) => ({
          partition: shard.id,
          position: sub === 0 ? wire.SequenceNumber : `${wire.SequenceNumber}/${sub}`,
          key: text(found.key(sub)),
          value: text(found.value(sub)) ?? '',
          together: found.count,
        }))
    }),
  )
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()
