import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis'
import { kplPackage } from '../../test/adapters/kinesis/records/kpl-package.ts'
import type { Task, Work } from '../harness/contender.ts'
import { timed } from '../harness/timed.ts'
import { AnswerTemplate } from './answer-template.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { openSdk, streamOf } from './open-sdk.ts'
import { shardId } from './shard-space.ts'
import { parseStreamName } from './stream-name.ts'

/** What one call may bring. */
const LIMIT = 10_000

/**
 * GetRecords by the SDK, a loop a shard, looking at every key and value: the limit of polling. `deaggregate`: what is in the records is
 * taken out by aws-kinesis-agg, checksums checked.
 */
export async function open(task: Task): Promise<Work> {
  const client = openSdk(task)
  const StreamName = streamOf(task)
  const iterators = await Promise.all(
    Array.from({ length: Number(task.settings.shards) }, async (_, shard) => {
      const input = { StreamName, ShardId: shardId(shard), ShardIteratorType: 'TRIM_HORIZON' } as const
      return (await client.send(new GetShardIteratorCommand(input))).ShardIterator!
    }),
  )
  let size = 0
  const { perRecord } = new AnswerTemplate(parseStreamName(StreamName), 0)
  const look = task.settings.deaggregate === true ? unpack : (): number => perRecord

  function unpack(Data: Uint8Array): number {
    let count = 0
    kplPackage.deaggregateSync(
      { data: Data, partitionKey: '', sequenceNumber: '' },
      true,
      (error, records) => {
        if (error) throw error
        for (const { partitionKey, data } of records!) {
          size += partitionKey.length + Buffer.from(data, 'base64').length
          count++
        }
      },
    )
    return count
  }

  return {
    async round(wanted) {
      const records = atLeast(wanted)
      let seen = 0
      const round = await counted(task, () =>
        timed(records, () =>
          Promise.all(
            iterators.map(async (first, shard) => {
              for (let ShardIterator = first; seen < records; ) {
                const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit: LIMIT }))
                for (const { Data, PartitionKey } of answer.Records!) {
                  size += PartitionKey!.length + Data!.length
                  seen += look(Data!)
                }
                ShardIterator = iterators[shard] = answer.NextShardIterator!
              }
            }),
          ),
        ),
      )
      if (size === 0) throw new Error('nothing was looked at')
      return { ...round, records: seen }
    },
    close: async () => client.destroy(),
  }
}
