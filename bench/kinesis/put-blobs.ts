import { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import type { Task, Work } from '../harness/contender.ts'
import { timed } from '../harness/timed.ts'
import { AnswerTemplate } from './answer-template.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { openSdk, streamOf } from './open-sdk.ts'
import { parseStreamName } from './stream-name.ts'

/** Of 51,200 B, as many as KPL puts into a request. */
const PER_REQUEST = 100

/** The limit of producing aggregates: the SDK sends ready ones, the same again and again. */
export async function open(task: Task): Promise<Work> {
  const client = openSdk(task)
  const StreamName = streamOf(task)
  const { perRecord } = new AnswerTemplate(parseStreamName(StreamName), 0)
  const Data = Buffer.alloc(51_150, 'x')
  return {
    round: (wanted) => {
      const records = atLeast(wanted)
      return counted(task, () =>
        timed(records, async () => {
          let sent = 0
          const sender = async (): Promise<void> => {
            while (sent < records) {
              const first = sent
              sent += PER_REQUEST * perRecord
              const Records = Array.from({ length: PER_REQUEST }, (_, i) => ({
                Data,
                PartitionKey: `k${(first + i) % 1_000}`,
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
