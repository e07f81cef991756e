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
  return readAll(fake, stream, (isInside, count) => range(count).filter(isInside))
}

/** The same as KCL reads it (3.5.1, `AggregatorUtil.deaggregate`): one item in the wrong shard takes the whole aggregate with it. */
export function takenByKcl(fake: KinesisFake, stream: string): Written[] {
  return readAll(fake, stream, (isInside, count) => {
    const taken: number[] = []
    for (const sub of range(count)) {
      if (!isInside(sub)) return []
      taken.push(sub)
    }
    return taken
  })
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** `take` chooses among the items of an aggregate by whether they belong to the shard it stands in. */
function readAll(
  fake: KinesisFake,
  stream: string,
  take: (isInside: (sub: number) => boolean, count: number) => number[],
): Written[] {
  return fake.stream(stream).shards.flatMap((shard) =>
    shard.records().flatMap(({ wire }) => {
      const found = userRecordsOf(wire.PartitionKey, Buffer.from(wire.Data, 'base64'))
      const isInside = (sub: number): boolean => {
        const hashKey = found.hashKey(sub)
        return !found.aggregated || (hashKey >= shard.range.start && hashKey <= shard.range.end)
      }
      return take(isInside, found.count).map((sub) => ({
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
