import { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { keysInTurn } from './keys-in-turn.ts'
import { openSdk, streamOf } from './open-sdk.ts'

/** PutRecords takes no more. */
const PER_REQUEST = 500

/** The limit of producing records alone: PutRecords by the SDK, full requests, so many on their way. */
export async function open(task: Task): Promise<Work> {
  const client = openSdk(task)
  const StreamName = streamOf(task)
  const pool = batchesOf(valuesOf(task.valueBytes), PER_REQUEST)
  const key = keysInTurn()
  return {
    round: (wanted) => {
      const records = atLeast(wanted)
      return counted(task, () =>
        timed(records, async () => {
          let next = 0
          const sender = async (): Promise<void> => {
            for (let n = next++; n * PER_REQUEST < records; n = next++) {
              // An entry each, as any program has to make them.
              const Records = pool[n % pool.length]!.map((Data) => ({
                Data,
                PartitionKey: key().toString('latin1'),
              }))
              await client.send(new PutRecordsCommand({ StreamName, Records }))
            }
          }
          await Promise.all(Array.from({ length: Number(task.settings.inFlight) }, sender))
        }),
      )
    },
    close: async () => client.destroy(),
  }
}
