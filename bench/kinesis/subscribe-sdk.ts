import { type KinesisClient, SubscribeToShardCommand } from '@aws-sdk/client-kinesis'
import type { Task, Work } from '../harness/contender.ts'
import { timed } from '../harness/timed.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { openSdk, streamOf } from './open-sdk.ts'
import { shardId } from './shard-space.ts'

/** SubscribeToShard by the SDK, one subscription a shard, looking at every key and value: the limit of fan-out. */
export async function open(task: Task): Promise<Work> {
  const ConsumerARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${streamOf(task)}/consumer/bench:1`
  const shards = Number(task.settings.shards)
  return {
    async round(wanted) {
      const records = atLeast(wanted)
      const client = openSdk(task)
      let size = 0
      let seen = 0
      const round = await counted(task, () =>
        timed(records, () =>
          Promise.all(Array.from({ length: shards }, (_, shard) => follow(client, shard))),
        ),
      )
      client.destroy()
      if (size === 0) throw new Error('nothing was looked at')
      return { ...round, records: seen }

      async function follow(sdk: KinesisClient, shard: number): Promise<void> {
        const cut = new AbortController()
        const answer = await sdk.send(
          new SubscribeToShardCommand({
            ConsumerARN,
            ShardId: shardId(shard),
            StartingPosition: { Type: 'TRIM_HORIZON' },
          }),
          { abortSignal: cut.signal },
        )
        for await (const event of answer.EventStream!) {
          for (const { Data, PartitionKey } of event.SubscribeToShardEvent?.Records ?? []) {
            size += PartitionKey!.length + Data!.length
            seen++
          }
          if (seen >= records) break
        }
        cut.abort()
      }
    },
    close: async () => {},
  }
}
