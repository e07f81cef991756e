import { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { kplPackage } from '../../test/adapters/kinesis/records/kpl-package.ts'
import type { Task, Work } from '../harness/contender.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { openSdk, streamOf } from './open-sdk.ts'
import { hashOf, shardOf } from './shard-space.ts'

const AGGREGATE_BYTES = 51_200
const PER_REQUEST = 100

/** aws-kinesis-agg and the SDK: an aggregator a shard, as its users have to write it for order and KCL. */
export async function open(task: Task): Promise<Work> {
  const client = openSdk(task)
  const StreamName = streamOf(task)
  const shards = Number(task.settings.shards)
  const pool = valuesOf(task.valueBytes).map((data) => {
    const partitionKey = keyOf(data).toString()
    return { data, partitionKey, shard: shardOf(hashOf(partitionKey), shards) }
  })
  return {
    round: (wanted) => {
      const records = atLeast(wanted)
      return counted(task, () =>
        timed(records, async () => {
          let next = 0
          const sender = async (): Promise<void> => {
            const aggregators = Array.from({ length: shards }, () => new kplPackage.RecordAggregator())
            const sizes = new Array<number>(shards).fill(0)
            let full: { Data: Uint8Array; PartitionKey: string }[] = []
            while (next < records) {
              const { data, partitionKey, shard } = pool[next++ % pool.length]!
              aggregators[shard]!.addUserRecord({ partitionKey, data })
              sizes[shard]! += data.length + partitionKey.length + 12
              if (sizes[shard]! < AGGREGATE_BYTES) continue
              full.push({ Data: aggregators[shard]!.build().data, PartitionKey: partitionKey })
              sizes[shard] = 0
              if (full.length < PER_REQUEST) continue
              await client.send(new PutRecordsCommand({ StreamName, Records: full }))
              full = []
            }
            if (full.length > 0) await client.send(new PutRecordsCommand({ StreamName, Records: full }))
          }
          await Promise.all(Array.from({ length: Number(task.settings.inFlight) }, sender))
        }),
      )
    },
    close: async () => client.destroy(),
  }
}
