import { bytes, topic } from '../../src/index.ts'
import type { Task, Work } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { timed } from '../harness/timed.ts'
import { bytesTopic } from '../millrace/open-streams.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { keysInTurn } from './keys-in-turn.ts'
import { streamOf } from './open-sdk.ts'
import { openStreams } from './open-streams.ts'

/** `sendBatch` of values with a key function; `calls` of them on their way. Keys are those of the values, or with `distinct` come in turn. */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const described =
    task.settings.distinct === true
      ? topic(streamOf(task), { value: bytes(), keySerde: bytes(), key: keysInTurn() })
      : bytesTopic(streamOf(task))
  const producer = streams.producer()
  const batches = batchesOf(valuesOf(task.valueBytes), task.batch)
  return {
    round: (wanted) => {
      const records = atLeast(wanted)
      return counted(task, () =>
        timed(records, async () => {
          let next = 0
          const sender = async (): Promise<void> => {
            for (let n = next++; n * task.batch < records; n = next++) {
              await producer.sendBatch(described, batches[n % batches.length]!)
            }
          }
          await Promise.all(Array.from({ length: Number(task.settings.calls) }, sender))
          await producer.flush()
        }),
      )
    },
    async close() {
      await producer.close()
      await streams.close()
    },
  }
}
